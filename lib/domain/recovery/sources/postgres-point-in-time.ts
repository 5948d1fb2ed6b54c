import type pg from "pg";
import { type ServerAddress, serverName } from "#lib/database/server-connection.ts";
import { StorageError } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import type { Manifest } from "../archive/manifest.ts";
import { type Archiving, judgeArchiving, readArchiving, timelineSql } from "./postgres-archiving.ts";
import { basePart, type PostgresBaseFacts, postgresBaseFactsSchema } from "./postgres-base-facts.ts";
import { withAnyDatabase } from "./postgres-swap.ts";
import { openWalArchive, readWalRun, segmentOf, type WalRun } from "./wal-archive.ts";

/** Instants between backups; ISO. */
export type Span = { from: string; to: string };

/** Whether a database can be brought to an instant between backups: to which, or exactly why not. */
export type PointInTime = { available: true; message: string; span: Span } | { available: false; message: string; span: null };

/** The base backup that a backup holds; an error where it could not be taken; null where none was asked for. */
export type HeldBase = { facts: PostgresBaseFacts } | { error: string } | null;

/** What a server says of itself now. */
export type LiveServer = { archiving: Archiving; systemIdentifier: string; timeline: number; isStandby: boolean; now: Date };

export function baseOf(manifest: Pick<Manifest, "parts">): HeldBase {
  const part = manifest.parts.find(({ name }) => name === basePart);
  if (!part) return null;
  return part.error === null ? { facts: postgresBaseFactsSchema.parse(part.facts) } : { error: part.error };
}

/**
 * Asks the server how it archives its WAL, and its WAL archive what it holds from a backup's base backup on. Without the server the
 * archive alone is enough; only the newest that was written is not in it then.
 */
export async function pointInTime(address: ServerAddress, base: HeldBase): Promise<PointInTime> {
  const name = serverName(address);
  const live = await withAnyDatabase(address, readLive).catch((error: Error) => error);
  if (base === null || "error" in base) return no(judgeWithout(name, live, base));
  const { facts } = base;
  try {
    const archive = await openWalArchive(facts.walArchive);
    const run = await readWalRun(archive, facts, newestArchived(live, facts));
    return judgeRun({ name, archive: archive.name, live, facts, run });
  } catch (error) {
    if (!(error instanceof StorageError) && !(error instanceof DomainError)) throw error;
    return no(`The WAL archive of ${name} cannot be read: ${error.message}`);
  }
}

/** Throws invalid-input for an instant that a database cannot be brought to. */
export function refuseInstant(untilTime: string, { available, span, message }: PointInTime): void {
  const at = Date.parse(untilTime);
  if (available && at >= Date.parse(span.from) && at <= Date.parse(span.to)) return;
  const text = available ? `${untilTime} is not between ${span.from} and ${span.to}. ${message}` : message;
  throw new DomainError("invalid-input", text, { fields: { untilTime: [text] } });
}

/** Why there are no instants to choose when a backup holds dumps only, which WAL is not replayed onto. */
export function judgeWithout(name: string, live: LiveServer | Error, base: { error: string } | null): string {
  const only = "It can be restored to a backup's instant only.";
  if (base) return `The backup holds no base backup of ${name}: ${base.error} ${only}`;
  if (live instanceof Error) return `${name} could not be asked whether it archives its WAL: ${live.message}`;
  const problem = judgeArchiving(name, live.archiving);
  if (problem) return `${problem} ${only}`;
  const { archived, lastAt } = live.archiving;
  const state = lastAt ? `${archived} WAL files, the last at ${lastAt.toISOString()}` : "no WAL file so far";
  return `${name} archives its WAL (${state}), but the backup holds no base backup that it could be replayed onto. Name the WAL archive in the plan: backups from then on hold one. ${only}`;
}

type Found = { name: string; archive: string; live: LiveServer | Error; facts: PostgresBaseFacts; run: WalRun };

/** The instants that a base backup and an unbroken run of WAL after it lead to. */
export function judgeRun({ name, archive, live, facts, run }: Found): PointInTime {
  const { segments, missing } = run;
  const needed = segmentOf(facts.stopLsn, facts, true);
  const last = segments.at(-1);
  if (!last || last.name < needed) {
    return no(`${archive} lacks the WAL segment ${missing ?? needed}, without which the base backup cannot be used.`);
  }
  const source = `From the base backup of ${facts.finishedAt} and ${segments.length} WAL segments of ${archive}.`;
  const limit = whyNotLive(name, live, facts) ?? (missing && `After that the WAL segment ${missing} is missing from there.`);
  if (limit === null && !(live instanceof Error)) {
    const problem = judgeArchiving(name, live.archiving);
    const rest = problem ? ` ${problem} What it has not archived comes from the server itself.` : "";
    return yes(facts.finishedAt, live.now, `${source}${rest}`);
  }
  return yes(facts.finishedAt, last.archivedAt, `${source} ${limit}`);
}

/** Why what the archive does not have yet cannot come from the server; null when it can. */
export function whyNotLive(name: string, live: LiveServer | Error, facts: PostgresBaseFacts): string | null {
  if (live instanceof Error) return `${name} does not answer (${live.message}): what it had not archived is not to be had.`;
  if (live.systemIdentifier !== facts.systemIdentifier) return `${name} is another server now than the one that was saved.`;
  if (live.isStandby) return `${name} is a standby now: what its primary had not archived is not to be had from it.`;
  if (live.timeline !== facts.timeline) {
    return `${name} has been promoted since (timeline ${live.timeline}): back up again to restore to instants after that.`;
  }
  return live.archiving.mode === "off" ? `${name} has stopped to archive its WAL (archive_mode is off).` : null;
}

export async function readLive(client: pg.Client): Promise<LiveServer> {
  const archiving = await readArchiving(client);
  const { rows } = await client.query<Omit<LiveServer, "archiving">>(
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier", clock_timestamp() AS now,
      ${timelineSql} AS timeline, pg_is_in_recovery() AS "isStandby"`,
  );
  const [row] = rows;
  if (!row) throw new Error("PostgreSQL did not say what it is.");
  return { archiving, ...row };
}

/** The last segment that the server says it has archived; null when it says none of the base backup's own. */
export function newestArchived(live: LiveServer | Error, facts: PostgresBaseFacts): string | null {
  if (live instanceof Error) return null;
  const { archiving, systemIdentifier, timeline } = live;
  const isOther = systemIdentifier !== facts.systemIdentifier || timeline !== facts.timeline;
  return isOther || !/^[0-9A-F]{24}$/.test(archiving.lastFile ?? "") ? null : archiving.lastFile;
}

function yes(from: string, to: Date, message: string): PointInTime {
  if (Date.parse(from) > to.getTime()) return no(`There is no instant after the base backup of ${from} yet. ${message}`);
  return { available: true, message, span: { from, to: to.toISOString() } };
}

function no(message: string): PointInTime {
  return { available: false, message, span: null };
}
