import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** A folder of one's own under the work directory; nobody else can read what is put there with mode 600. */
export type ScratchFolder = {
  path: string;
  /** Notes a server that runs in it, so that a sweep can end it when this process was killed. */
  keepServer(pid: number): Promise<void>;
  /** Removes it with what is in it. */
  remove(): Promise<void>;
};

type Owner = { place: string; pid: number; startTime: string };

const prefix = "scratch-";
const ownerFile = "owner.json";
const serverPrefix = "server-";
const beatMs = 20_000;
/** The owner on another machine is taken for dead after this time without a beat. */
const silentMs = 5 * 60_000;

/** Makes a folder for a piece of work. It is kept while this process runs; sweepScratch removes it when it was killed. */
export async function makeScratchFolder(workDir: string, purpose: string): Promise<ScratchFolder> {
  const path = join(workDir, `${prefix}${purpose}-${randomBytes(9).toString("hex")}`);
  await mkdir(workDir, { recursive: true, mode: 0o711 });
  // A server of another user passes through it by its name, which nobody can list.
  await mkdir(path, { mode: 0o711 });
  const owner = join(path, ownerFile);
  await writeFile(owner, JSON.stringify(ownRecord(process.pid)), { mode: 0o600 });
  const beat = setInterval(() => {
    const now = new Date();
    utimes(owner, now, now).catch(() => {});
  }, beatMs).unref();
  return {
    path,
    keepServer: (pid) => writeFile(join(path, `${serverPrefix}${pid}.json`), JSON.stringify(ownRecord(pid)), { mode: 0o600 }),
    remove: async () => {
      clearInterval(beat);
      await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

/**
 * Removes the scratch folders whose owner is gone, and ends the servers that still run in them. Returns how many. To be called when
 * a process starts, and from time to time: several processes and machines may share a work directory.
 */
export async function sweepScratch(workDir: string): Promise<number> {
  const names = await readdir(workDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  let removed = 0;
  for (const name of names.filter((entry) => entry.startsWith(prefix))) {
    const path = join(workDir, name);
    if (await isOwned(path)) continue;
    await endServers(path);
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    removed += 1;
  }
  return removed;
}

async function isOwned(path: string): Promise<boolean> {
  const file = join(path, ownerFile);
  const owner = await readRecord(file);
  if (owner?.place === ownPlace()) return startTime(owner.pid) === owner.startTime;
  const seen = await stat(owner ? file : path).catch(() => null);
  // The beats of a machine whose clock is ahead are as good as others.
  return seen !== null && Date.now() - seen.mtimeMs < silentMs;
}

async function endServers(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(serverPrefix))) {
    const server = await readRecord(join(path, name));
    if (server?.place !== ownPlace() || startTime(server.pid) !== server.startTime) continue;
    try {
      process.kill(-server.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function readRecord(file: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
}

function ownRecord(pid: number): Owner {
  return { place: ownPlace(), pid, startTime: startTime(pid) ?? "" };
}

/** Where a process id means a process: containers of one machine may have ids of their own. */
function ownPlace(): string {
  return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
}

/** When a process started, in clock ticks since boot (proc(5), field 22): tells reused ids apart. Null for one that has ended. */
function startTime(pid: number): string | null {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return state === "Z" ? null : (fields[18] ?? null);
  } catch {
    return null;
  }
}
