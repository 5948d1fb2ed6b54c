import { createReadStream } from "node:fs";
import { join } from "node:path";
import { runProgram } from "#lib/programs/program.ts";
import { makeScratchFolder } from "#lib/programs/scratch.ts";
import { DomainError } from "../../errors.ts";
import type { ArchivePart, PartSource } from "../archive/pack.ts";
import { type RedisAddress, redisCli, redisName, withRedis } from "./redis-connection.ts";
import { readRdb } from "./redis-rdb.ts";

/** The file's name in an archive. */
export const rdbName = "dump.rdb";

/** The part "redis": one file dump.rdb, as BGSAVE writes it, and RedisFacts. Opening it takes the RDB, checked by redis-check-rdb. */
export function redisPart(address: RedisAddress, workDir: string): PartSource {
  return { name: "redis", title: `Redis ${redisName(address)}`, open: (signal) => openPart(address, workDir, signal) };
}

async function openPart(address: RedisAddress, workDir: string, signal: AbortSignal): Promise<ArchivePart> {
  await withRedis(address, (redis) => redis.ping());
  const scratch = await makeScratchFolder(workDir, "rdb");
  const path = join(scratch.path, rdbName);
  try {
    await takeRdb(address, path, signal);
    const facts = await readRdb(path, signal);
    return {
      files: [{ name: rdbName, open: (fileSignal) => createReadStream(path, { signal: fileSignal, highWaterMark: 256 * 1024 }) }],
      facts: async () => facts,
      close: () => scratch.remove(),
    };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

/** As a replica gets it: the server forks as for BGSAVE and sends the RDB, with no file of its own that would have to be reached. */
async function takeRdb(address: RedisAddress, path: string, signal: AbortSignal): Promise<void> {
  const { args, env } = redisCli(address);
  const { stderr } = await runProgram({ command: "redis-cli", args: [...args, "--rdb", path], env, signal });
  if (stderr.includes("Transfer finished with success")) return;
  throw new DomainError("precondition-failed", `Redis ${redisName(address)} did not hand out its RDB: ${stderr.trim()}`);
}
