import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { bound, ProgramError, runProgram } from "./program.ts";
import { makeScratchFolder } from "./scratch.ts";
import { startServer } from "./scratch-server.ts";

/** A Redis of one's own on loopback that holds what is in an RDB. Nothing in it expires by itself. */
export type ScratchRedis = {
  /** With its password. */
  url: string;
  version: string;
  /** Stops it and removes all of it. */
  stop(): Promise<void>;
};

export type ScratchRedisOptions = {
  workDir: string;
  /** What it loads; an empty one by default. */
  rdb?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
};

/** The file was read, and Redis does not take it: another version's, or no RDB. */
export class RdbRefused extends Error {
  override readonly name = "RdbRefused";
}

const refusal = /Can't handle RDB.*|Fatal error loading.*|(?<=Internal error in RDB.*-> ).*|.*RDB file contains.*/;

/** Starts a Redis in a temporary folder. Throws RdbRefused when it cannot load the RDB, and ProgramError when it is not installed. */
export async function startScratchRedis(options: ScratchRedisOptions): Promise<ScratchRedis> {
  const { workDir, rdb, signal } = options;
  const version = await readVersion();
  const scratch = await makeScratchFolder(workDir, "redis");
  const password = randomBytes(24).toString("base64url");
  const configuration = join(scratch.path, "redis.conf");
  try {
    if (rdb) await pipeline(rdb, createWriteStream(join(scratch.path, "dump.rdb"), { mode: 0o600 }), { signal });
    const server = await startServer({
      name: "The scratch Redis",
      folder: scratch,
      command: async (port) => {
        await writeFile(configuration, settings(scratch.path, port, password), { mode: 0o600 });
        return bound("redis-server", [configuration]);
      },
      ready: /Ready to accept connections/,
      portTaken: /Could not create server TCP listening socket/,
      signal,
    });
    return {
      url: `redis://:${password}@127.0.0.1:${server.port}`,
      version,
      stop: async () => {
        await server.stop();
        await scratch.remove();
      },
    };
  } catch (error) {
    await scratch.remove();
    const said = error instanceof Error ? refusal.exec(error.message) : null;
    if (said) throw new RdbRefused(`Redis ${version} cannot load it: ${said[0].trim()}`, { cause: error });
    throw error;
  }
}

/** A replica of nobody: it deletes no key whose time has come, so that what was saved can be counted at any time later. */
function settings(folder: string, port: number, password: string): string {
  const lines = {
    bind: "127.0.0.1",
    port,
    requirepass: password,
    dir: JSON.stringify(folder),
    dbfilename: "dump.rdb",
    save: '""',
    appendonly: "no",
    databases: 1_000,
    replicaof: "127.0.0.1 1",
    "replica-serve-stale-data": "yes",
    "rdb-del-sync-files": "no",
    loglevel: "notice",
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

async function readVersion(): Promise<string> {
  const { stdout } = await runProgram({ command: "redis-server", args: ["--version"] });
  const version = /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (!version) throw new ProgramError("redis-server", 0, "", "redis-server does not say its version.");
  return version;
}
