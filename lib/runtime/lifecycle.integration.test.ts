import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";

const lifecycle = JSON.stringify(import.meta.resolve("./lifecycle.ts"));
const logger = JSON.stringify(import.meta.resolve("./logger.ts"));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process with these parts, each a function body that stops it; resolves once it runs. */
async function start(parts: string[], { timeoutMs = 10_000, ipc = false, isAlone = false } = {}) {
  const program = `
    const { onShutdown } = await import(${lifecycle});
    const { createLogger } = await import(${logger});
    const logger = createLogger("test");
    const never = () => new Promise(() => setInterval(() => {}, 1_000));
    const parts = [${parts.map((body, index) => `{ name: "part ${index}", stop: async () => { logger.info("stopping part ${index}"); ${body} } }`)}];
    if (${isAlone}) await new Promise((resolve) => process.once("disconnect", resolve));
    onShutdown({ logger, parts, timeoutMs: ${timeoutMs} });
    setInterval(() => {}, 1_000);
    process.on("SIGUSR2", () => setTimeout(() => { throw new Error("not expected"); }));
    logger.info("running");`;
  const stdio = ["ignore", "pipe", "inherit", ...(ipc ? (["ipc"] as const) : [])] as const;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: [...stdio] });
  children.push(child);
  if (isAlone) child.disconnect();
  const messages: string[] = [];
  // Once everything that it said was read.
  const exited = Promise.all([once(child, "exit"), once(child.stdout ?? child, "end")]).then(
    ([[code, signal]]) => code ?? signal,
  );
  if (child.stdout) createInterface(child.stdout).on("line", (line) => messages.push((JSON.parse(line) as { msg: string }).msg));
  /** The parts that were stopped, in order, and what else was said: a line of a signal may be written after the next ones. */
  const told = () => ({
    parts: messages.filter((text) => text.startsWith("stopping part")),
    others: messages.filter((text) => !text.startsWith("stopping part")).toSorted(),
  });
  const logged = (message: string) => expect.poll(() => messages, { timeout: 15_000 }).toContain(message);
  await logged("running");
  return { child, messages, told, exited, logged };
}

test.each(["SIGTERM", "SIGINT"] as const)("%s stops the parts in their order, and the process ends with 0", async (signal) => {
  const { child, told, exited } = await start(["", ""]);
  child.kill(signal);
  expect(await exited).toBe(0);
  expect(told()).toEqual({ parts: ["stopping part 0", "stopping part 1"], others: ["running", "stopped", "stopping"] });
});

test("a second signal ends at once with 130, whatever still stops", async () => {
  const { child, messages, exited, logged } = await start(["await never();"], { timeoutMs: 600_000 });
  child.kill("SIGTERM");
  await logged("stopping part 0");
  child.kill("SIGTERM");
  expect(await exited).toBe(130);
  expect(messages).not.toContain("stopped");
});

test("a part that does not come to its end is given up after the time, with 1", async () => {
  const { child, told, exited } = await start(["await never();", ""], { timeoutMs: 200 });
  child.kill("SIGTERM");
  expect(await exited).toBe(1);
  expect(told()).toEqual({ parts: ["stopping part 0"], others: ["running", "stopping", "stopping took too long"] });
});

test("a part that fails is told and the others are stopped, with 1", async () => {
  const { child, told, exited } = await start(['throw new Error("cannot");', ""]);
  child.kill("SIGTERM");
  expect(await exited).toBe(1);
  expect(told()).toEqual({
    parts: ["stopping part 0", "stopping part 1"],
    others: ["a part did not stop cleanly", "running", "stopped", "stopping"],
  });
});

test("an error that nobody caught stops the parts, with 1", async () => {
  const { child, told, exited } = await start([""]);
  child.kill("SIGUSR2");
  expect(await exited).toBe(1);
  expect(told()).toEqual({ parts: ["stopping part 0"], others: ["running", "stopped", "stopping", "uncaught error"] });
});

test("a process whose parent has gone stops", async () => {
  const { child, exited } = await start([""], { ipc: true });
  child.disconnect();
  expect(await exited).toBe(0);
});

test("a process whose parent had gone before it was ready stops", async () => {
  const { exited } = await start([""], { ipc: true, isAlone: true });
  expect(await exited).toBe(0);
});

test("a signal that also goes to a process whose parent has gone does not hurry it", async () => {
  const { child, told, exited, logged } = await start(["await new Promise((resolve) => setTimeout(resolve, 500));", ""], {
    ipc: true,
  });
  child.disconnect();
  await logged("stopping part 0");
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(told().parts).toEqual(["stopping part 0", "stopping part 1"]);
});
