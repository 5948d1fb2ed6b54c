import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** What a process of its own writes with the logger. */
function linesOf(script: string): Record<string, unknown>[] {
  const code = `import { createLogger, createLoggers } from "#lib/runtime/logger.ts"; ${script}`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: `${import.meta.dirname}/../..`,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("a line is one JSON object with name, level, time in UTC and message", () => {
  const [line] = linesOf(`createLogger("hub").info({ job: "j" }, "done")`);
  expect(line).toMatchObject({ name: "hub", level: "info", job: "j", msg: "done" });
  expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("no secret is in a line, at the top or a level below, nor a bearer token of a request", () => {
  const names = ["authorization", "password", "passwordHash", "secret", "token"];
  const secrets = Object.fromEntries(names.map((name) => [name, "geheim"]));
  const given = { ...secrets, peer: secrets, req: { headers: { authorization: "Bearer geheim", cookie: "geheim" } } };
  const [line] = linesOf(`createLogger("hub").info(${JSON.stringify(given)}, "said")`);
  expect(JSON.stringify(line)).not.toContain("geheim");
  for (const name of names) expect(line).toMatchObject({ [name]: "[redacted]", peer: { [name]: "[redacted]" } });
});

test("each target has the level that the filter gives it, and no less is written", () => {
  const script = `
    const loggers = createLoggers("hub", { defaultLevel: "warn", targets: [{ prefix: "hub::jobs", level: "debug" }] });
    loggers("hub").info("unseen"); loggers("hub").warn("seen"); loggers("hub::jobs").debug("seen too");`;
  expect(linesOf(script).map(({ msg, target }) => ({ msg, target }))).toEqual([
    { msg: "seen", target: "hub" },
    { msg: "seen too", target: "hub::jobs" },
  ]);
});
