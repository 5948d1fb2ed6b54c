import type { Redis } from "ioredis";

const scanCount = 500;
/** Values are held a batch at a time; one value larger than this is a batch of its own. */
const batchBytes = 8 * 1024 * 1024;

/**
 * Copies a database from one server to another by DUMP and RESTORE, expiries kept to the millisecond; keys that are there already are
 * replaced, and keys whose time has come are left out. Both connections have the database selected.
 */
export async function copyDatabase(
  from: Redis,
  to: Redis,
  { onKeys, signal }: { onKeys: (count: number) => void; signal?: AbortSignal },
): Promise<void> {
  for await (const batch of batchesOf(from)) {
    signal?.throwIfAborted();
    await copyBatch(from, to, batch);
    onKeys(batch.length);
  }
}

/** A scan tells every key that stays at least once, and nothing changes in a scratch server but that keys expire. */
async function* batchesOf(from: Redis): AsyncGenerator<Buffer[]> {
  let cursor = "0";
  let batch: Buffer[] = [];
  let bytes = 0;
  do {
    const answer: [Buffer, Buffer[]] = await from.scanBuffer(cursor, "COUNT", scanCount);
    cursor = String(answer[0]);
    const asking = from.pipeline();
    for (const key of answer[1]) asking.memory("USAGE", key);
    const sizes = await asking.exec();
    for (const [index, key] of answer[1].entries()) {
      const size = Number(sizes?.[index]?.[1] ?? 0);
      if (batch.length > 0 && bytes + size > batchBytes) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(key);
      bytes += size;
    }
    if (batch.length >= scanCount) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  } while (cursor !== "0");
  if (batch.length > 0) yield batch;
}

async function copyBatch(from: Redis, to: Redis, keys: Buffer[]): Promise<void> {
  const reading = from.pipeline();
  for (const key of keys) reading.dumpBuffer(key).pexpiretime(key);
  const answers = await run(reading);
  const writing = to.pipeline();
  for (const [index, key] of keys.entries()) {
    const dump = answers[index * 2];
    const expiresAt = Number(answers[index * 2 + 1]);
    // -2: its time has come. -1: it stays.
    if (!Buffer.isBuffer(dump) || expiresAt === -2) continue;
    if (expiresAt === -1) writing.restore(key, 0, dump, "REPLACE");
    else writing.restore(key, expiresAt, dump, "REPLACE", "ABSTTL");
  }
  await run(writing);
}

/** Answers of a pipeline; the first error of a command is thrown. */
async function run(pipeline: ReturnType<Redis["pipeline"]>): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
