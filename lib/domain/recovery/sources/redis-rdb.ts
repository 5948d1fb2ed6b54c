import { open } from "node:fs/promises";
import { ProgramError, type ProgramOptions, runProgram } from "#lib/programs/program.ts";
import type { RedisFacts } from "./redis-facts.ts";

/**
 * Reads a whole RDB with redis-check-rdb and tells what it holds. Counts by database are the file's own: Redis writes them behind
 * the mark of each database, whose place redis-check-rdb tells. Throws ProgramError with what is wrong with the file.
 */
export async function readRdb(path: string, signal?: AbortSignal): Promise<RedisFacts> {
  const said = await runCheck({ command: "redis-check-rdb", args: [path], signal });
  const file = await open(path, "r");
  try {
    const header = await file.read({ buffer: Buffer.alloc(9), position: 0 });
    const databases: RedisFacts["databases"] = [];
    for (const [, offset, index] of said.matchAll(/^\[offset (\d+)\] Selecting DB ID (\d+)$/gm)) {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(20), position: Number(offset) });
      databases.push({ index: Number(index), ...readSizes(buffer.subarray(0, bytesRead)) });
    }
    const { size } = await file.stat();
    const createdAt = Number(/AUX FIELD ctime = '(\d+)'/.exec(said)?.[1] ?? 0);
    return {
      serverVersion: /AUX FIELD (?:redis|valkey)-ver = '([^']*)'/.exec(said)?.[1] ?? "unknown",
      rdbVersion: Number(header.buffer.toString("latin1", 5, 9)),
      databases,
      snapshotAt: new Date(createdAt * 1000).toISOString(),
      rdbBytes: size,
    };
  } finally {
    await file.close();
  }
}

/** Checks an RDB that comes as a stream, without keeping it. Throws ProgramError with what is wrong with it. */
export async function checkRdbStream(
  rdb: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<{ keys: number; expiring: number }> {
  // What this process gives it is a socket, which cannot be opened by a name as a pipe can.
  const said = await runCheck({ command: "sh", args: ["-c", "cat | redis-check-rdb /dev/stdin"], input: rdb, signal });
  const read = (what: RegExp) => Number(what.exec(said)?.[1] ?? 0);
  return { keys: read(/^\[info\] (\d+) keys read$/m), expiring: read(/^\[info\] (\d+) expires$/m) };
}

/** It ends well after some errors, too: what counts is its last word. */
async function runCheck(program: ProgramOptions): Promise<string> {
  const said = await runProgram(program).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      if (error instanceof ProgramError && error.stderr.includes(errorMark)) return error.stderr;
      throw error;
    },
  );
  if (said.includes("\\o/ RDB looks OK! \\o/")) return said;
  const [, problem] = said.split(errorMark);
  const [first] = (problem ?? said).trim().split("\n");
  throw new ProgramError("redis-check-rdb", 1, said, `redis-check-rdb finds the RDB damaged: ${first}`);
}

const errorMark = "--- RDB ERROR DETECTED ---";
const resizeMark = 0xfb;

/** Behind a database's mark: 0xFB, how many keys it has, how many of them expire (rdb.c, RDB_OPCODE_RESIZEDB). */
export function readSizes(bytes: Buffer): { keys: number; expiring: number } {
  if (bytes[0] !== resizeMark) throw new Error("The RDB does not say how many keys its databases have.");
  const keys = readLength(bytes, 1);
  return { keys: keys.value, expiring: readLength(bytes, keys.end).value };
}

/** A length as an RDB writes it: 6, 14, 32 or 64 bits (rdb.c, rdbLoadLen). */
function readLength(bytes: Buffer, at: number): { value: number; end: number } {
  const first = bytes[at] ?? 0;
  if (first >> 6 === 0) return { value: first & 0x3f, end: at + 1 };
  if (first >> 6 === 1) return { value: ((first & 0x3f) << 8) | bytes.readUInt8(at + 1), end: at + 2 };
  if (first === 0x80) return { value: bytes.readUInt32BE(at + 1), end: at + 5 };
  if (first === 0x81) return { value: Number(bytes.readBigUInt64BE(at + 1)), end: at + 9 };
  throw new Error("The RDB has a length of a kind that is not known.");
}
