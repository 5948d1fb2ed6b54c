import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { ProgramError, runProgram, streamProgram } from "./program.ts";

async function* repeated(text: string, times: number, onPull: (count: number) => void = () => {}): AsyncGenerator<Uint8Array> {
  for (let count = 1; count <= times; count += 1) {
    onPull(count);
    yield Buffer.from(text);
  }
}

async function sizeOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of content) bytes += piece.length;
  return bytes;
}

const block = "0123456789abcdef".repeat(4096);

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 10_000, interval: 20 }).toBe(false);
}

test("what is given to a program comes back from it whole", async () => {
  expect(await sizeOf(streamProgram({ command: "cat", args: [], input: repeated(block, 500) }))).toBe(block.length * 500);
});

test("a program that waits for its reader makes the input wait too", async () => {
  let pulled = 0;
  const input = repeated(block, 2_000, (count) => {
    pulled = count;
  });
  const reader = streamProgram({ command: "cat", args: [], input })[Symbol.asyncIterator]();
  await reader.next();
  expect(pulled).toBeLessThan(200);
  await reader.return?.(undefined);
});

test("a failure repeats the end of what the program said", async () => {
  const failing = runProgram({ command: "sh", args: ["-c", "echo before; echo no such table >&2; exit 3"] });
  await expect(failing).rejects.toThrow("sh failed with exit code 3: no such table");
  await expect(failing).rejects.toMatchObject({ exitCode: 3, program: "sh", stderr: "no such table" });
  await expect(failing).rejects.toBeInstanceOf(ProgramError);
});

test("a program that is not there is said to be missing", async () => {
  await expect(runProgram({ command: "no-such-program", args: [] })).rejects.toThrow("no-such-program is not installed");
});

test("input after the end of a program that is content is read and dropped", async () => {
  let pulled = 0;
  const input = repeated(block, 100, (count) => {
    pulled = count;
  });
  const { stdout } = await runProgram({ command: "head", args: ["-c", "4"], input });
  expect(stdout).toBe("0123");
  expect(pulled).toBe(100);
});

test("an input that fails is the error, and the program never sees its end", async () => {
  async function* failing() {
    yield Buffer.from("one\n");
    throw new Error("the archive is damaged");
  }
  // It would say so on seeing the end of its input.
  const run = runProgram({ command: "sh", args: ["-c", "cat; echo committed >&2; exit 9"], input: failing() });
  await expect(run).rejects.toThrow("the archive is damaged");
});

test("an abort ends the program and what it started", async () => {
  const abort = new AbortController();
  const reader = streamProgram({ command: "sh", args: ["-c", "sleep 1000 & echo $!; wait"], signal: abort.signal })[
    Symbol.asyncIterator
  ]();
  const { value } = await reader.next();
  const pid = Number(Buffer.from(value ?? []).toString());
  expect(isAlive(pid)).toBe(true);
  abort.abort(new Error("cancelled by an operator"));
  await expect(reader.next()).rejects.toThrow("cancelled by an operator");
  await untilGone(pid);
});

test("a program ends with this process when that is killed", async () => {
  const script = `
    import { streamProgram } from "./program.ts";
    for await (const piece of streamProgram({ command: "sh", args: ["-c", "echo $$; exec sleep 1000"] })) process.stdout.write(piece);
  `;
  const owner = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script], {
    cwd: resolve(import.meta.dirname),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = await once(owner.stdout, "data");
  const pid = Number(String(text));
  expect(isAlive(pid)).toBe(true);
  owner.kill("SIGKILL");
  await untilGone(pid);
});

test("secrets in the environment are not handed on from this process", async () => {
  process.env.SWITCHYARD_TEST_SECRET = "hidden";
  const { stdout } = await runProgram({ command: "env", args: [], env: { GIVEN: "yes" } });
  expect(stdout).toContain("GIVEN=yes");
  expect(stdout).not.toContain("hidden");
  delete process.env.SWITCHYARD_TEST_SECRET;
});
