import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { namespaceCommand, runContained } from "./containment.ts";

const folder = mkdtempSync(join(tmpdir(), "containment-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a process that listens and never ends, writes its port and the folder for temporary files, then does what is asked. */
const program = join(folder, "program.mjs");
writeFileSync(
  program,
  `import { spawn } from "node:child_process";
   import { writeFileSync } from "node:fs";
   const listen = 'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
   const child = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
   child.stdout.once("data", (port) => {
     writeFileSync(process.argv[2], JSON.stringify({ port: Number(port), scratch: process.env.TMPDIR }));
     if (process.argv[3] === "ends") process.exit(7);
     console.log("ready");
   });`,
);

/** In a process of its own, so that it can be sent signals. */
async function startUntilReady(file: string): Promise<ChildProcess> {
  const contained = JSON.stringify(join(import.meta.dirname, "containment.ts"));
  const code = `const { runContained } = await import(${contained});
    process.exitCode = await runContained(${JSON.stringify(program)}, [${JSON.stringify(file)}]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "ignore"] });
  await once(createInterface(child.stdout), "line");
  return child;
}

async function readNotes(file: string): Promise<{ port: number; scratch: string }> {
  return JSON.parse(await readFile(file, "utf8"));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

test("when the program ends, what it started ends too, its temporary files are gone, and its exit code is told", async () => {
  const file = join(folder, "ends.json");
  expect(await runContained(program, [file, "ends"])).toBe(7);
  const { port, scratch } = await readNotes(file);
  expect(await isListening(port)).toBe(false);
  expect(existsSync(scratch)).toBe(false);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends all of it at once, and removes the files", async (signal) => {
  const file = join(folder, `${signal}.json`);
  const child = await startUntilReady(file);
  const { port, scratch } = await readNotes(file);
  expect(await isListening(port)).toBe(true);
  child.kill(signal);
  const [code] = await once(child, "exit");
  expect(code).toBe(signal === "SIGINT" ? 130 : 143);
  expect(await isListening(port)).toBe(false);
  expect(existsSync(scratch)).toBe(false);
});

test.skipIf(namespaceCommand().length === 0)("kill -9 of it leaves no process behind", async () => {
  const file = join(folder, "killed.json");
  const child = await startUntilReady(file);
  const { port, scratch } = await readNotes(file);
  child.kill("SIGKILL");
  await expect.poll(() => isListening(port), { timeout: 20_000 }).toBe(false);
  rmSync(scratch, { recursive: true });
});
