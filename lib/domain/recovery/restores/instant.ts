import { DomainError } from "../../errors.ts";
import { findManifest, openArchive } from "../backups/archives.ts";
import { readContents } from "../backups/plans.ts";
import { basePart, type PostgresBaseFacts } from "../sources/postgres-base-facts.ts";
import type { PostgresFacts } from "../sources/postgres-facts.ts";
import { baseOf, pointInTime, refuseInstant } from "../sources/postgres-point-in-time.ts";
import { type RecoveredDatabase, recoverPostgres } from "../sources/postgres-recovery.ts";
import type { Source } from "./data-steps.ts";
import { postgresPlace } from "./places.ts";

/**
 * The database as it was at an instant, in a scratch server. It is recovered before anything that writes is stopped, and stays until it
 * was restored from; a process that takes the restore over in between recovers it again.
 */
export class Instant {
  #database: Promise<RecoveredDatabase> | null = null;

  /** What the recovered database answers. Throws as recoverPostgres, ArchiveDamaged and StorageError. */
  async recover(source: Source, untilTime: string): Promise<PostgresFacts> {
    return (await this.#open(source, untilTime)).facts;
  }

  /** A dump of the recovered database; nothing is recovered again before it is read. */
  async *dump(source: Source, untilTime: string): AsyncGenerator<Uint8Array> {
    const database = await this.#open(source, untilTime);
    yield* database.dump(source.signal);
  }

  async close(): Promise<void> {
    const database = await this.#database?.catch(() => null);
    this.#database = null;
    await database?.close();
  }

  #open(source: Source, untilTime: string): Promise<RecoveredDatabase> {
    this.#database ??= this.#recover(source, untilTime).catch((error: unknown) => {
      this.#database = null;
      throw error;
    });
    return this.#database;
  }

  async #recover(source: Source, untilTime: string): Promise<RecoveredDatabase> {
    const { context, row, backup, signal, onProgress } = source;
    return recoverPostgres({
      base: await requireBase(source),
      readBase: (unpack) => readBase(source, unpack),
      address: await postgresPlace(context, row),
      tables: readContents(backup).postgres?.tables ?? null,
      untilTime,
      workDir: context.workDir,
      onProgress,
      signal,
    });
  }
}

/** Throws invalid-input when the database cannot be brought to the instant, as far as that is known without trying. */
export async function refuseUnreachable(source: Pick<Source, "context" | "row" | "backup">, untilTime: string): Promise<void> {
  const facts = await requireBase(source);
  refuseInstant(untilTime, await pointInTime(await postgresPlace(source.context, source.row), { facts }));
}

async function requireBase({ context, backup }: Pick<Source, "context" | "backup">): Promise<PostgresBaseFacts> {
  const manifest = await findManifest(context, backup);
  const base = manifest && baseOf(manifest);
  if (base && "facts" in base) return base.facts;
  throw new DomainError("precondition-failed", `Backup ${backup.number} does not hold the part ${basePart}.`);
}

async function readBase(
  { context, backup, signal }: Source,
  unpack: (tar: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  await openArchive(context, backup, {
    signal,
    onFile: async ({ part }, tar) => {
      if (part !== basePart) return "skip";
      await unpack(tar);
      return "read";
    },
  });
}
