import { createWriteStream } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { databaseNameOf, libpqEnvironment, type ServerAddress, serverName } from "#lib/database/server-connection.ts";
import { runProgram } from "#lib/programs/program.ts";
import { InstantNotReached, startRecoveredPostgres } from "#lib/programs/recovered-postgres.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import type { ArchiveFile } from "../archive/pack.ts";
import { postgresPart, programsFor } from "./postgres.ts";
import type { PostgresBaseFacts } from "./postgres-base-facts.ts";
import { type PostgresFacts, postgresFactsSchema } from "./postgres-facts.ts";
import { newestArchived, pointInTime, readLive, refuseInstant, whyNotLive } from "./postgres-point-in-time.ts";
import { hasDatabase, withAnyDatabase, withMaintenance } from "./postgres-swap.ts";
import { openWalArchive, readWalRun, type WalSegment } from "./wal-archive.ts";

export type PostgresRecovery = {
  base: PostgresBaseFacts;
  /** Reads the base backup's tar to its end, and rejects when it is not as it was written. */
  readBase: (unpack: (tar: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;
  /** The server that it was taken of: what is not archived yet comes from there. */
  address: ServerAddress;
  /** "schema.table"; null for the whole. */
  tables: string[] | null;
  untilTime: string;
  workDir: string;
  onProgress?: (message: string) => void;
  signal?: AbortSignal;
};

/** A database as it was at an instant, in a scratch server that stays until it is closed. */
export type RecoveredDatabase = {
  /** What it answers there. */
  facts: PostgresFacts;
  /** A dump of it, to be read once. */
  dump(signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
};

/**
 * Recovers a base backup in a scratch server to an instant, and asks its database what the manifest of a backup would say. Throws
 * invalid-input for an instant out of reach, precondition-failed when it was not reached.
 */
export async function recoverPostgres(recovery: PostgresRecovery): Promise<RecoveredDatabase> {
  const { base, readBase, address, tables, untilTime, workDir, onProgress, signal } = recovery;
  const reach = await pointInTime(address, { facts: base });
  refuseInstant(untilTime, reach);
  const supply = new WalSupply(recovery, await openWalArchive(base.walArchive));
  const server = await startRecoveredPostgres({
    workDir,
    majorVersion: base.majorVersion,
    readBase,
    supplyWal: (folder) => supply.next(folder),
    until: new Date(untilTime),
    settings: base.settings,
    onProgress: (segments) => onProgress?.(`${segments} WAL segments replayed`),
    signal,
  }).catch((error: unknown) => {
    if (!(error instanceof InstantNotReached)) throw error;
    const last = error.lastTransactionAt ?? `the end of the base backup (${base.finishedAt})`;
    throw new DomainError(
      "precondition-failed",
      `${untilTime} was not reached: the last transaction in the WAL archive is of ${last}, so that nobody knows whether more followed. Choose an instant before that.`,
      {},
      { cause: error },
    );
  });
  try {
    const source = postgresPart(server.addressOf(databaseNameOf(address)), { tables });
    const part = await source.open(signal ?? new AbortController().signal);
    const [file] = part.files as Iterable<ArchiveFile>;
    if (!file) throw new Error("A dump is one file.");
    const answers = postgresFactsSchema.parse(await part.facts());
    return {
      facts: { ...answers, snapshotAt: new Date(untilTime).toISOString() },
      dump: (until) => file.open(until),
      close: async () => {
        await part.close();
        await server.stop();
      },
    };
  } catch (error) {
    const database = databaseNameOf(address);
    // Its files go before the transaction that drops it ends, so that a recovery which stops at that end has a name without files.
    const isNamed = await withMaintenance(server.addressOf(database), (client) => hasDatabase(client, database)).catch(
      () => false,
    );
    await server.stop();
    if (!(error instanceof Error) || !/database ".*" does not exist|invalid database/.test(error.message)) throw error;
    throw new DomainError(
      "precondition-failed",
      isNamed
        ? `${database} was dropped by the first transaction after ${untilTime}, and PostgreSQL takes its files away before that ends. Choose an instant before the last transaction that came before, which was at ${server.lastTransactionAt ?? base.finishedAt}: all but that one is there.`
        : `There was no database ${database} at ${untilTime}.`,
      {},
      { cause: error },
    );
  }
}

/** Every try fetches twice as many segments as the one before. */
const firstSegments = 2;

/** WAL in its order: the archive's up to shortly after the instant, then more of it, at last what the server has not archived yet. */
class WalSupply {
  readonly #recovery: PostgresRecovery;
  readonly #archive: ObjectStorage;
  readonly #until: number;
  readonly #fetched = new Set<string>();
  #more = firstSegments;
  #isOver = false;

  constructor(recovery: PostgresRecovery, archive: ObjectStorage) {
    this.#recovery = recovery;
    this.#archive = archive;
    this.#until = Date.parse(recovery.untilTime);
  }

  async next(folder: string): Promise<boolean> {
    if (this.#isOver) return false;
    const { base, address, signal } = this.#recovery;
    for (let isFed = false; ; ) {
      const { live, left, missing } = await this.#list();
      if (left.length > 0 && isFed) return true;
      if (left.length > 0) {
        isFed = true;
        if (await this.#fetch(left, folder)) continue;
        return true;
      }
      // Only what a listing after the last fetch lacks comes from the server: what it has archived it may not have any more.
      if (missing !== null || whyNotLive(serverName(address), live, base) !== null) {
        this.#isOver = true;
        return isFed;
      }
      try {
        await this.#stream(folder);
        this.#isOver = true;
        return true;
      } catch (error) {
        signal?.throwIfAborted();
        if ((await this.#list()).left.length === 0) throw error;
      }
    }
  }

  /** What the archive has that was not fetched; asked anew each time, as the server goes on archiving. */
  async #list() {
    const { base, address } = this.#recovery;
    const live = await withAnyDatabase(address, readLive).catch((error: Error) => error);
    const { segments, missing } = await readWalRun(this.#archive, base, newestArchived(live, base));
    return { live, left: segments.filter(({ name }) => !this.#fetched.has(name)), missing };
  }

  /** Fetches up to shortly after the instant, and says whether that was all. */
  async #fetch(left: readonly WalSegment[], folder: string): Promise<boolean> {
    const { onProgress, signal } = this.#recovery;
    const before = left.filter(({ archivedAt }) => archivedAt.getTime() <= this.#until);
    const batch = left.slice(0, before.length + this.#more);
    const total = this.#fetched.size + left.length;
    this.#more *= 2;
    for (const { name } of batch) {
      await fetchSegment(this.#archive, name, folder, signal);
      this.#fetched.add(name);
      onProgress?.(`${this.#fetched.size} of ${total} WAL segments fetched`);
    }
    return batch.length === left.length;
  }

  /** Follows the newest segment of the archive with what the server has written since. */
  async #stream(folder: string): Promise<void> {
    const { base, address, signal } = this.#recovery;
    const endPosition = await writeMark(address);
    const { pgReceivewal } = await programsFor(base.majorVersion);
    const partial = async () =>
      (await readdir(folder)).filter((name) => name.endsWith(".partial")).map((name) => join(folder, name));
    try {
      await runProgram({
        command: pgReceivewal,
        args: [`--directory=${folder}`, `--endpos=${endPosition}`, "--no-loop", "--no-password"],
        env: libpqEnvironment(address),
        signal,
      });
    } catch (error) {
      for (const path of await partial()) await rm(path);
      throw error;
    }
    for (const path of await partial()) await rename(path, path.slice(0, -".partial".length));
  }
}

/**
 * Commits a transaction of no effect, by which a recovery sees that it is past every earlier instant; where the WAL is then. Another one
 * follows: pg_receivewal ends when it has something that comes later.
 */
function writeMark(address: ServerAddress): Promise<string> {
  return withAnyDatabase(address, async (client) => {
    const mark = async () => {
      await client.query("BEGIN READ WRITE; SET LOCAL synchronous_commit = local");
      await client.query("SELECT pg_logical_emit_message(true, 'switchyard', 'a restore to an instant')");
      await client.query("COMMIT");
    };
    await mark();
    const { rows } = await client.query<{ position: string }>("SELECT pg_current_wal_flush_lsn()::text AS position");
    await mark();
    return rows[0]?.position ?? "0/0";
  });
}

/** Copies a segment into a folder, where it is seen when it is whole. */
async function fetchSegment(archive: ObjectStorage, name: string, folder: string, signal?: AbortSignal): Promise<void> {
  const unfinished = join(folder, `${name}.unfinished`);
  await pipeline(await archive.get(name, signal), createWriteStream(unfinished, { mode: 0o600 }), { signal });
  await rename(unfinished, join(folder, name));
}
