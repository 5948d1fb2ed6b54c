import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
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

/** A process: where its id means something, the id, and when it started. */
type Owner = { place: string; pid: number; startTime: string };

const prefix = "scratch-";
const serverPrefix = "server-";
const beatMs = 20_000;
/** The owner on another machine is taken for dead after this time without a beat. */
const silentMs = 5 * 60_000;

/** Makes a folder for a piece of work. It is kept while this process runs; sweepScratch removes it when it was killed. */
export async function makeScratchFolder(workDir: string, purpose: string): Promise<ScratchFolder> {
  // The owner stands in the name: there is no instant in which the folder is there and nobody's.
  const path = join(workDir, `${prefix}${purpose}-${randomBytes(9).toString("hex")}-${describe(process.pid)}`);
  await mkdir(workDir, { recursive: true, mode: 0o711 });
  // A server of another user passes through it by its name, which nobody can list.
  await mkdir(path, { mode: 0o711 });
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, beatMs).unref();
  return {
    path,
    keepServer: (pid) => writeFile(join(path, `${serverPrefix}${describe(pid)}`), ""),
    remove: async () => {
      clearInterval(beat);
      await removeFolder(path);
    },
  };
}

/**
 * Removes the scratch folders whose owner is gone, and ends the servers that still run in them. Returns how many. To be called when
 * a process starts, and from time to time: several processes and machines may share a work directory.
 */
export async function sweepScratch(workDir: string): Promise<number> {
  let removed = 0;
  for (const name of await list(workDir, prefix)) {
    const path = join(workDir, name);
    if (await isOwned(name, path)) continue;
    await endServers(path);
    await removeFolder(path);
    removed += 1;
  }
  return removed;
}

async function isOwned(name: string, path: string): Promise<boolean> {
  const owner = readOwner(name);
  if (owner?.place === ownPlace()) return isRunning(owner);
  const seen = await stat(path).catch(() => null);
  // The beats of a machine whose clock is ahead are as good as others.
  return seen !== null && Date.now() - seen.mtimeMs < silentMs;
}

async function endServers(path: string): Promise<void> {
  for (const name of await list(path, serverPrefix)) {
    const server = readOwner(name);
    if (server?.place !== ownPlace() || !isRunning(server)) continue;
    try {
      process.kill(-server.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function list(folder: string, start: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => name.startsWith(start));
}

function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function describe(pid: number): string {
  return `${ownPlace()}-${pid}-${startTime(pid) ?? 0}`;
}

function readOwner(name: string): Owner | null {
  const [, place, pid, started] = /([0-9a-f]{12})-(\d+)-(\d+)$/.exec(name) ?? [];
  return place && pid && started ? { place, pid: Number(pid), startTime: started } : null;
}

function isRunning(owner: Owner): boolean {
  return startTime(owner.pid) === owner.startTime;
}

/** Where a process id means a process: containers of one machine may have ids of their own. */
function ownPlace(): string {
  return createHash("sha256")
    .update(`${hostname()} ${readlinkSync("/proc/self/ns/pid")}`)
    .digest("hex")
    .slice(0, 12);
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
