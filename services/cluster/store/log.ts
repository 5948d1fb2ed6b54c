import { type FileHandle, open, readdir, readFile, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { decodeRecords, encodeRecord, type StoreRecord } from "./records.ts";

const snapshotFile = "snapshot.ndjson";
const segmentPattern = /^log-(\d{16})\.ndjson$/;

export type Recovered = { revision: number; records: StoreRecord[]; snapshotBytes: number; logBytes: number };

/**
 * The files of the store: the newest snapshot, and the log of every change since in segments. Records are durable once
 * `append` resolves. `startSegment` and `writeSnapshot` together compact: older segments go when the snapshot is in place.
 */
export class Log {
  readonly #directory: string;
  #segment: FileHandle | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads everything that was acknowledged. A torn record at the very end is cut off; damage anywhere else is an error. */
  async recover(): Promise<Recovered> {
    const { records, revision, bytes } = await this.#readSnapshot();
    const segments = await this.#segments();
    let logBytes = 0;
    for (const [index, segment] of segments.entries()) {
      const path = join(this.#directory, segment);
      const content = await readFile(path);
      const decoded = decodeRecords(content);
      if (decoded.validBytes < content.length) {
        if (decoded.isDamaged || index < segments.length - 1) {
          throw new Error(`${path} is damaged at byte ${decoded.validBytes}: restore the data directory from a backup`);
        }
        await truncate(path, decoded.validBytes);
      }
      for (const record of decoded.records) {
        if (revisionOf(record) > revision) records.push(record);
      }
      logBytes += decoded.validBytes;
    }
    const last = segments.at(-1);
    if (last) this.#segment = await open(join(this.#directory, last), "a", 0o600);
    else await this.startSegment(revision + 1);
    return { revision, records, snapshotBytes: bytes, logBytes };
  }

  async append(bytes: Buffer): Promise<void> {
    if (!this.#segment) throw new Error("the log is not open");
    await this.#segment.appendFile(bytes);
    await this.#segment.datasync();
  }

  async startSegment(firstRevision: number): Promise<void> {
    const name = `log-${String(firstRevision).padStart(16, "0")}.ndjson`;
    const next = await open(join(this.#directory, name), "a", 0o600);
    await this.#syncDirectory();
    const previous = this.#segment;
    this.#segment = next;
    await previous?.close();
  }

  /** Writes the snapshot at `revision` and drops the segments that end before it. Returns its size in bytes. */
  async writeSnapshot(revision: number, records: Iterable<StoreRecord>): Promise<number> {
    const path = join(this.#directory, snapshotFile);
    const file = await open(`${path}.tmp`, "w", 0o600);
    let size = 0;
    try {
      let count = 0;
      let chunk: Buffer[] = encodeRecord({ op: "header", format: 1, revision });
      for (const record of records) {
        chunk.push(...encodeRecord(record));
        count += 1;
        if (chunk.length >= 1000) {
          const bytes = Buffer.concat(chunk);
          size += bytes.length;
          await file.appendFile(bytes);
          chunk = [];
        }
      }
      chunk.push(...encodeRecord({ op: "end", count }));
      const bytes = Buffer.concat(chunk);
      size += bytes.length;
      await file.appendFile(bytes);
      await file.sync();
    } catch (error) {
      // On a full disk it would only be in the way.
      await rm(`${path}.tmp`, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    await this.#syncDirectory();
    for (const segment of await this.#segments()) {
      if (Number(segmentPattern.exec(segment)?.[1]) <= revision) await rm(join(this.#directory, segment));
    }
    return size;
  }

  async close(): Promise<void> {
    await this.#segment?.close();
    this.#segment = undefined;
  }

  async #readSnapshot(): Promise<{ revision: number; records: StoreRecord[]; bytes: number }> {
    const path = join(this.#directory, snapshotFile);
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (!content) return { revision: 0, records: [], bytes: 0 };
    const { records } = decodeRecords(content);
    const header = records.shift();
    const end = records.pop();
    if (header?.op !== "header" || end?.op !== "end" || end.count !== records.length) {
      throw new Error(`${path} is damaged: restore the data directory from a backup`);
    }
    return { revision: header.revision, records, bytes: content.length };
  }

  async #segments(): Promise<string[]> {
    return (await readdir(this.#directory)).filter((name) => segmentPattern.test(name)).sort();
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, "r");
    await directory.sync().finally(() => directory.close());
  }
}

function revisionOf(record: StoreRecord): number {
  if (record.op === "put") return Number(record.object.metadata.resourceVersion);
  return record.op === "remove" ? record.revision : 0;
}
