import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { isDead } from "./heartbeat.ts";
import { isRunnerGone, ownPlace, releaseRunnerName, takeRunnerName } from "./runner-name.ts";

test("a process of this machine that has ended is gone; one that runs, and one of another machine, is not", async () => {
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  await once(child, "spawn");
  const name = `${ownPlace()}/${child.pid}/one`;
  expect(isRunnerGone(name)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isRunnerGone(name)).toBe(true);
  expect(isRunnerGone(`elsewhere/${child.pid}/one`)).toBe(false);
  // Another container of the same pod has the same name, and other ids.
  expect(isRunnerGone(`${hostname()}:1/${child.pid}/one`)).toBe(false);
});

test("under this process's own number only its own runners live, as long as they have not stopped", () => {
  const name = takeRunnerName();
  expect(isRunnerGone(name)).toBe(false);
  expect(isRunnerGone(`${ownPlace()}/${process.pid}/of-a-container-before`)).toBe(true);
  releaseRunnerName(name);
  expect(isRunnerGone(name)).toBe(true);
});

test("one that cannot be asked for is dead when its heartbeat is older than half a minute", () => {
  const now = new Date("2026-03-18T10:00:00Z");
  const before = (seconds: number) => new Date(now.getTime() - seconds * 1000);
  expect(isDead({ runner: "elsewhere/1/one", heartbeatAt: before(29) }, now)).toBe(false);
  expect(isDead({ runner: "elsewhere/1/one", heartbeatAt: before(31) }, now)).toBe(true);
  expect(isDead({ runner: "elsewhere/1/one", heartbeatAt: null }, now)).toBe(true);
});
