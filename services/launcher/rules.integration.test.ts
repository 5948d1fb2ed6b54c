import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

function rules(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("rules.ts", import.meta.url));
  return new Promise((done) => {
    execFile(process.execPath, [main, ...args], { encoding: "utf8" }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

test("prints the rules of one daemon with another window", async () => {
  const { code, stdout, stderr } = await rules(
    "--format",
    "prometheusrule",
    "--only",
    "relay",
    "--set",
    "relay.latencyWindow=15s",
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^apiVersion: monitoring.coreos.com\/v1\nkind: PrometheusRule\n/);
  expect(stdout).toContain("materi_operation_latency_seconds_bucket[15s]");
});

test("says that every file is up to date", async () => {
  expect(await rules("--check")).toEqual({ code: 0, stdout: "", stderr: "" });
});

test.each([
  [
    ["--format", "file", "--set", "relay.latencyWindow=soon"],
    'relay.latencyWindow: wants a duration such as 30s, 5m or 1h30m, got "soon"\n',
  ],
  [["--format", "json"], "--format json: wants file or prometheusrule\n"],
  [["--only", "pigeon", "--format", "file"], "--only pigeon: there are no rules of that name\n"],
  [
    ["--set", "relay.errorFor=2m"],
    "--set and --only print rules, they change no file: say --format file or --format prometheusrule\n",
  ],
])("%j ends with exit code 2 and a line that says why, and prints no rules", async (args, stderr) => {
  expect(await rules(...args)).toEqual({ code: 2, stdout: "", stderr });
});
