import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { DataDirectoryError, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { ensureDataDirectory } from "./preconditions.ts";
import { Supervisor, startTime } from "./supervisor.ts";

const isRoot = process.getuid?.() === 0;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-launcher-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function launch(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? "", ...env } as unknown as NodeJS.ProcessEnv,
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, "exit");
  return { code, stderr };
}

test("a port in use ends the start with one line that names the setting, and exit code 1", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const { port } = server.address() as { port: number };
  const { code, stderr } = await launch({ SWITCHYARD_PORT: String(port), SWITCHYARD_DATA_DIR: temporaryFolder() });
  expect(code).toBe(1);
  expect(stderr).toBe(`Port ${port} is in use. Stop what uses it, or set SWITCHYARD_PORT to another port.\n`);
});

test("a bad setting ends the start with a line for each, and exit code 78", async () => {
  const { code, stderr } = await launch({ SWITCHYARD_PORT: "web", SWITCHYARD_DEMO: "maybe" });
  expect(code).toBe(78);
  expect(stderr.trim().split("\n")).toHaveLength(2);
});

test("a data directory of another PostgreSQL is refused with what to do", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "PG_VERSION"), "14\n");
  const prepare = () => preparePostgres({ folder, port: 15_432, password: "x" });
  expect(prepare).toThrow(DataDirectoryError);
  expect(prepare).toThrow(/was made by PostgreSQL 14; this Switchyard runs 15\. Dump it/);
  expect(readFileSync(join(folder, "data", "PG_VERSION"), "utf8")).toBe("14\n");
});

test.runIf(isRoot)("a disk without room is refused before anything is started", () => {
  const folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", folder]);
  cleanups.push(() => execFileSync("umount", [folder]));
  expect(() => ensureDataDirectory(folder)).toThrow(/has 3[0-2] MiB free; Switchyard wants at least 1024\. Make room/);
});

const patient = { timeout: 20_000 };

test("a process that is killed is started again, and nothing of its group outlives it", async () => {
  const dir = temporaryFolder();
  const exits: string[] = [];
  const supervisor = new Supervisor(dir, (name, how) => exits.push(`${name} ${how}`));
  supervisor.start({ name: "napper", command: "sh", args: ["-c", "sleep 1000 & echo $!; wait"] });
  const first = supervisor.pids().napper ?? 0;
  const written = () => readFileSync(supervisor.logFile("napper"), "utf8").trim().split("\n").map(Number);
  await vi.waitFor(() => expect(written()[0]).toBeGreaterThan(0), patient);
  process.kill(first, "SIGKILL");
  await vi.waitFor(() => expect(supervisor.pids().napper).toBeGreaterThan(0), patient);
  await vi.waitFor(() => expect(supervisor.pids().napper).not.toBe(first), patient);
  expect(exits).toEqual(["napper was ended by SIGKILL"]);
  await vi.waitFor(() => expect(written()).toHaveLength(2), patient);
  const [orphan, child] = written();
  await vi.waitFor(() => expect(runs(orphan)).toBe(false), patient);
  expect(runs(child)).toBe(true);
  await supervisor.stopAll([]);
  await vi.waitFor(() => expect(runs(child)).toBe(false), patient);
});

/** Whether the process does anything: a zombie that waits for its parent does not. */
function runs(pid: number | undefined): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

test("what a killed launcher left is ended at the next start, and a process that only has the same id is not", async () => {
  const dir = temporaryFolder();
  const left = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  const other = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  cleanups.push(() => other.kill("SIGKILL"));
  const supervisor = new Supervisor(dir, () => {});
  writeFileSync(join(dir, "run", "left.json"), JSON.stringify({ pid: left.pid, startTime: startTime(left.pid ?? 0) }));
  writeFileSync(join(dir, "run", "other.json"), JSON.stringify({ pid: other.pid, startTime: "1" }));
  expect(await supervisor.endLeftovers()).toEqual(["left"]);
  expect(left.exitCode ?? left.signalCode).toBe("SIGTERM");
  expect(other.exitCode ?? other.signalCode).toBeNull();
});

test("a data directory that another launcher holds is refused", async () => {
  const dir = temporaryFolder();
  const holder = spawn("sleep", ["1000"], { stdio: "ignore" });
  cleanups.push(() => holder.kill("SIGKILL"));
  writeFileSync(join(dir, "launcher.json"), JSON.stringify({ pid: holder.pid, startTime: startTime(holder.pid ?? 0) }));
  await expect(new Supervisor(dir, () => {}).claim()).rejects.toThrow(
    `Switchyard already runs on ${dir} (process ${holder.pid})`,
  );
});
