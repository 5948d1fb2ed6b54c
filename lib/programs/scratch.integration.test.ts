import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withServer } from "#lib/database/server-connection.ts";
import { makeScratchFolder, sweepScratch } from "./scratch.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { RdbRefused, startScratchRedis } from "./scratch-redis.ts";

let workDir: string;

beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), "switchyard-scratch-"));
});

afterEach(() => {
  rmSync(workDir, { recursive: true, force: true });
});

/** Runs code in a process of its own that prints one line and stays; resolves to the line. */
async function startOwner(code: string) {
  const owner = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", code], {
    cwd: resolve(import.meta.dirname),
    env: { ...process.env, WORK_DIR: workDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = await once(owner.stdout, "data");
  return { owner, line: String(text).trim() };
}

async function kill(owner: ReturnType<typeof spawn>): Promise<void> {
  owner.kill("SIGKILL");
  await once(owner, "exit");
}

/** Process ids of the servers of the scratch folders. */
function servers(): number[] {
  return readdirSync(workDir, { recursive: true, encoding: "utf8" }).flatMap((name) => {
    const [, pid] = /server-[0-9a-f]+-(\d+)-\d+$/.exec(name) ?? [];
    return pid ? [Number(pid)] : [];
  });
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("a scratch PostgreSQL takes a database and leaves nothing behind", async () => {
  const scratch = await startScratchPostgres({ workDir, majorVersion: 15 });
  const address = await scratch.makeDatabase("copy");
  const { rows } = await withServer(address, (client) => client.query("SELECT current_database() AS name, version()"));
  expect(rows[0]).toMatchObject({ name: "copy", version: expect.stringContaining("PostgreSQL 15") });
  const pids = servers();
  expect(pids.map(isRunning)).toEqual([true]);
  await scratch.stop();
  expect(readdirSync(workDir)).toEqual([]);
  expect(pids.map(isRunning)).toEqual([false]);
});

test("a version that the machine has not is refused with what to install", async () => {
  await expect(startScratchPostgres({ workDir, majorVersion: 99 })).rejects.toThrow("Install postgresql-99 there.");
  expect(readdirSync(workDir)).toEqual([]);
});

test("a scratch Redis does not start on what is no RDB, and leaves nothing behind", async () => {
  async function* rubbish() {
    yield Buffer.from("REDIS0099 and this is no RDB");
  }
  await expect(startScratchRedis({ workDir, rdb: rubbish() })).rejects.toBeInstanceOf(RdbRefused);
  expect(readdirSync(workDir)).toEqual([]);
});

test("a sweep leaves the folder of a process that runs and removes the one of a process that was killed", async () => {
  const own = await makeScratchFolder(workDir, "own");
  const { owner, line } = await startOwner(`
    import { makeScratchFolder } from "./scratch.ts";
    console.log((await makeScratchFolder(process.env.WORK_DIR, "other")).path);
    setInterval(() => {}, 1000);
  `);
  writeFileSync(join(line, "dump"), "half of it");
  expect(await sweepScratch(workDir)).toBe(0);
  await kill(owner);
  expect(await sweepScratch(workDir)).toBe(1);
  expect(existsSync(line)).toBe(false);
  expect(existsSync(own.path)).toBe(true);
  await own.remove();
});

test.each([
  ["PostgreSQL", `import { startScratchPostgres as start } from "./scratch-postgres.ts"; const options = { majorVersion: 15 };`],
  ["Redis", `import { startScratchRedis as start } from "./scratch-redis.ts"; const options = {};`],
])("a scratch %s ends with its owner, and a sweep removes its files", async (_, imports) => {
  const { owner } = await startOwner(`
    ${imports}
    await start({ workDir: process.env.WORK_DIR, ...options });
    console.log("started");
    setInterval(() => {}, 1000);
  `);
  const pids = servers();
  expect(pids.map(isRunning)).toEqual([true]);
  await kill(owner);
  await expect.poll(() => pids.map(isRunning), { timeout: 15_000, interval: 50 }).toEqual([false]);
  expect(await sweepScratch(workDir)).toBe(1);
  expect(readdirSync(workDir)).toEqual([]);
});

test("a folder of another machine is left while its owner beats, and removed when it has been silent for long", async () => {
  const path = join(workDir, "scratch-rdb-0123-00000000ffff-1-1");
  mkdirSync(path);
  expect(await sweepScratch(workDir)).toBe(0);
  const longAgo = new Date(Date.now() - 10 * 60_000);
  utimesSync(path, longAgo, longAgo);
  expect(await sweepScratch(workDir)).toBe(1);
  expect(readdirSync(workDir)).toEqual([]);
});
