import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages, missingPackages } from "#services/launcher/programs.ts";

/** `npm test`: installs what the tests need, then runs every suite, quick ones first, and says how each ended. */

const root = fileURLToPath(new URL("..", import.meta.url));
const tools = join(root, ".switchyard", "tools");
const bin = join(root, "node_modules", ".bin");
const debianKubectl = join(tools, "kubectl-1.20", "usr", "bin");
const environment = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}:${debianKubectl}`,
  FORCE_COLOR: "0",
  NEXT_TELEMETRY_DISABLED: "1",
};

const suites: { name: string; command: string[] }[] = [
  { name: "format and lint", command: ["biome", "ci", "."] },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "unit", command: ["vitest", "run", "--project", "unit"] },
  { name: "domain", command: ["vitest", "run", "--project", "domain"] },
  { name: "integration", command: ["vitest", "run", "--project", "integration"] },
  { name: "conformance", command: ["vitest", "run", "--project", "conformance"] },
  { name: "end to end", command: ["playwright", "test", "--config", "e2e/playwright.config.ts"] },
];

await prepare();
const results = suites.map((suite) => ({ ...suite, ...run(suite.command) }));

print("");
for (const { name, ok, seconds } of results)
  print(`${ok ? "ok    " : "FAILED"} ${name.padEnd(16)} ${seconds.toFixed(1).padStart(7)} s`);
const failed = results.filter((result) => !result.ok).length;
print(`suites: ${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function prepare(): Promise<void> {
  mkdirSync(tools, { recursive: true });
  const packages = [...missingPackages(), ...(existsSync("/usr/bin/chromium") ? [] : ["chromium"])];
  if (packages.length > 0) {
    print(`installing ${packages.join(", ")}`);
    await installPackages(packages, join(root, ".switchyard", "apt-get.log"), new AbortController().signal);
    if (missingPackages().length > 0 || !existsSync("/usr/bin/chromium")) {
      print(`could not install ${packages.join(", ")}; .switchyard/apt-get.log says why. Install them and run npm test again.`);
      process.exit(1);
    }
  }
  fetchDebianKubectl();
}

/** Debian's own kubectl (1.20), unpacked beside whatever kubectl the machine has: the conformance suite runs both. */
function fetchDebianKubectl(): void {
  if (existsSync(join(debianKubectl, "kubectl"))) return;
  const script =
    'rm -f kubernetes-client_*.deb; apt-get download kubernetes-client && dpkg -x kubernetes-client_*.deb "$1" && rm kubernetes-client_*.deb';
  const unpack = () =>
    spawnSync("sh", ["-c", script, "sh", join(tools, "kubectl-1.20")], { cwd: tools, stdio: "ignore" }).status === 0;
  if (unpack()) return;
  spawnSync("apt-get", ["update"], { stdio: "ignore" });
  if (unpack()) return;
  rmSync(join(tools, "kubectl-1.20"), { recursive: true, force: true });
  print("kubernetes-client could not be downloaded with apt-get: the conformance suite needs it. Check the package sources.");
  process.exit(1);
}

function run(command: string[]): { ok: boolean; seconds: number } {
  print(`\n> ${command.join(" ")}`);
  const started = performance.now();
  const [program = "", ...args] = command;
  const { status } = spawnSync(join(bin, program), args, { cwd: root, env: environment, stdio: "inherit" });
  return { ok: status === 0, seconds: (performance.now() - started) / 1000 };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
