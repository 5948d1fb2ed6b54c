import { randomUUID } from "node:crypto";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import type pg from "pg";
import { libpqEnvironment, type ServerAddress, serverName, withServer } from "#lib/database/server-connection.ts";
import { streamProgram } from "#lib/programs/program.ts";
import type { ObjectStorage } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import type { ArchivePart, PartSource } from "../archive/pack.ts";
import { programsFor } from "./postgres.ts";
import { type Archiving, judgeArchiving, readArchiving, timelineSql } from "./postgres-archiving.ts";
import { basePart, type PostgresBaseFacts } from "./postgres-base-facts.ts";
import { openWalArchive, segmentOf } from "./wal-archive.ts";

const oldestMajorVersion = 12;

/** For how long what waits for the server is not given up. */
export type BasePatience = {
  watchMs: number;
  /** It fails to archive. */
  failingMs: number;
  /** Nothing comes from it, and it archives nothing: an archive_command that hangs fails at nothing. */
  idleMs: number;
};
const patience: BasePatience = { watchMs: 10_000, failingMs: 60_000, idleMs: 10 * 60_000 };

const tarBlock = 512;
/** gzip makes databases smaller by less than this: what is larger is not begun. */
const bestCompression = 5;

/**
 * The part "postgres-base": one file base.tar.gz, a base backup of the whole server without WAL, which its archive has, and PostgresBaseFacts.
 * It ends when the archive has all that it needs. Opening it throws precondition-failed, with what to do, where the role may not
 * replicate or the server does not archive its WAL to the place that the plan names, and where it would not fit into `mostBytes`.
 */
export function postgresBasePart(
  address: ServerAddress,
  { walArchive, mostBytes, patient = patience }: { walArchive: string; mostBytes?: number; patient?: BasePatience },
): PartSource {
  const { host } = new URL(address.url);
  return {
    name: basePart,
    title: `Base backup of the PostgreSQL server ${host}`,
    open: (signal) => openPart(address, { walArchive, mostBytes, patient }, signal),
  };
}

type Server = Omit<PostgresBaseFacts, "startLsn" | "stopLsn" | "startedAt" | "finishedAt" | "walArchive">;

async function openPart(
  address: ServerAddress,
  { walArchive, mostBytes, patient }: { walArchive: string; mostBytes: number | undefined; patient: BasePatience },
  signal: AbortSignal,
): Promise<ArchivePart> {
  const name = serverName(address);
  const archive = await openWalArchive(walArchive);
  const { server, startedAt } = await withServer(address, async (client) => {
    await refuseUnarchived(client, name);
    if (mostBytes !== undefined) await refuseTooLarge(client, { name, mostBytes });
    return { server: await readServer(client, name), startedAt: await readClock(client) };
  });
  const { pgBasebackup } = await programsFor(server.majorVersion);
  const label = `switchyard ${randomUUID()}`;
  let startLsn: string | null = null;
  async function* base(fileSignal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stuck = new AbortController();
    const words = ["--format=tar", "--wal-method=none", "--checkpoint=fast", "--no-password", "--no-sync"];
    const tar = streamProgram({
      command: pgBasebackup,
      args: ["--pgdata=-", `--label=${label}`, ...words],
      env: libpqEnvironment(address),
      signal: AbortSignal.any([signal, fileSignal, stuck.signal]),
    });
    const watch = new ServerWatch(address, patient, stuck);
    try {
      const plain = tapped(watch.timed(tar), (lsn) => {
        startLsn = lsn;
      });
      // What fails is thrown to who reads.
      yield* pipeline(plain, createGzip({ level: 1 }), () => {}) as AsyncIterable<Uint8Array>;
    } finally {
      watch.end();
    }
  }
  return {
    files: [{ name: "base.tar.gz", open: base }],
    facts: async (): Promise<PostgresBaseFacts> => {
      if (startLsn === null) throw new Error("pg_basebackup gave a base backup that does not say where it starts.");
      const stopLsn = await readStop(archive, { ...server, startLsn, label, name });
      return { ...server, startLsn, stopLsn, startedAt, finishedAt: await withServer(address, readClock), walArchive };
    },
    close: async () => {},
  };
}

async function refuseUnarchived(client: pg.Client, name: string): Promise<void> {
  const archiving = await readArchiving(client);
  const problem = judgeArchiving(name, archiving);
  if (problem) throw new DomainError("precondition-failed", `${problem} Mend that, or take the WAL archive out of the plan.`);
}

/** One that cannot fit would be sent for hours before it fails. */
async function refuseTooLarge(client: pg.Client, { name, mostBytes }: { name: string; mostBytes: number }): Promise<void> {
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT coalesce(sum(pg_database_size(oid)), 0) AS bytes FROM pg_database
    WHERE has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')`,
  );
  const bytes = Number(rows[0]?.bytes ?? 0);
  if (bytes <= mostBytes * bestCompression) return;
  const inGigabytes = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
  throw new DomainError(
    "precondition-failed",
    `${name} has databases of ${inGigabytes(bytes)}, whose base backup does not fit into one object of the backups' storage (${inGigabytes(mostBytes)}). Save to a directory, or take the WAL archive (walArchive) out of the plan: then backups lead to their own instants only.`,
  );
}

async function readServer(client: pg.Client, name: string): Promise<Server> {
  const { rows } = await client.query<{
    role: string;
    replicates: boolean;
    standby: boolean;
    spaces: string[];
    version: string;
    number: number;
    system: string;
    timeline: number;
    segment: number;
    prepared: string;
  }>(
    `SELECT current_user AS role, (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) AS replicates,
      pg_is_in_recovery() AS standby,
      ARRAY(SELECT spcname::text FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')) AS spaces,
      current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
      (SELECT system_identifier::text FROM pg_control_system()) AS system,
      ${timelineSql} AS timeline,
      (SELECT setting::int FROM pg_settings WHERE name = 'wal_segment_size') AS segment,
      current_setting('max_prepared_transactions') AS prepared`,
  );
  const [row] = rows;
  if (!row) throw new Error("PostgreSQL did not say what it is.");
  const majorVersion = Math.floor(row.number / 10_000);
  const refusals: [boolean, string][] = [
    [
      !row.replicates,
      `The role ${row.role} may not take a base backup of ${name}: run ALTER ROLE "${row.role}" REPLICATION, and let it connect for replication in pg_hba.conf.`,
    ],
    [row.standby, `${name} is a standby: name its primary in the plan's Secret, which alone archives in order.`],
    [row.spaces.length > 0, `${name} has tablespaces (${row.spaces.join(", ")}), of which Switchyard takes no base backup.`],
    [majorVersion < oldestMajorVersion, `${name} runs PostgreSQL ${majorVersion}; a base backup needs ${oldestMajorVersion}.`],
  ];
  const refusal = refusals.find(([isSo]) => isSo)?.[1];
  if (refusal) throw new DomainError("precondition-failed", `${refusal} The dump needs none of it.`);
  return {
    serverVersion: row.version.split(" ")[0] ?? row.version,
    majorVersion,
    systemIdentifier: row.system,
    timeline: row.timeline,
    walSegmentBytes: row.segment,
    settings: { max_prepared_transactions: row.prepared },
  };
}

async function readClock(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return (rows[0]?.now ?? new Date(0)).toISOString();
}

/** pg_basebackup waits until the WAL that it needs is archived, and for a server that is gone, for ever: this gives up. */
class ServerWatch {
  readonly #address: ServerAddress;
  readonly #patient: BasePatience;
  readonly #timer: NodeJS.Timeout;
  #failingSince: number | null = null;
  /** Null while somebody else is waited for: who reads the tar. */
  #idleSince: number | null = null;
  #lastAt: number | undefined;

  constructor(address: ServerAddress, patient: BasePatience, stuck: AbortController) {
    this.#address = address;
    this.#patient = patient;
    this.#timer = setInterval(async () => {
      const problem = this.#judge(await withServer(address, readArchiving).catch((error: Error) => error));
      if (problem !== null) stuck.abort(new DomainError("precondition-failed", problem));
    }, patient.watchMs);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async *timed(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#idleSince = performance.now();
    for await (const piece of tar) {
      this.#idleSince = null;
      yield piece;
      this.#idleSince = performance.now();
    }
  }

  #judge(archiving: Archiving | Error): string | null {
    const { failingMs, idleMs } = this.#patient;
    const name = serverName(this.#address);
    const now = performance.now();
    const isOver = (since: number | null, forMs: number) => since !== null && now - since > forMs;
    const problem = archiving instanceof Error ? null : judgeArchiving(name, archiving);
    this.#failingSince = problem === null ? null : (this.#failingSince ?? now);
    if (isOver(this.#failingSince, failingMs)) return problem;
    const lastAt = archiving instanceof Error ? undefined : archiving.lastAt?.getTime();
    if (lastAt !== undefined && lastAt !== this.#lastAt) {
      this.#lastAt = lastAt;
      if (this.#idleSince !== null) this.#idleSince = now;
    }
    if (!isOver(this.#idleSince, idleMs)) return null;
    const minutes = Math.round(idleMs / 60_000);
    return archiving instanceof Error
      ? `The base backup of ${name} was given up: for ${minutes} minutes nothing came of it, and the server does not answer (${archiving.message}). Look at the server, then back up again.`
      : `The base backup of ${name} was given up: for ${minutes} minutes the server has archived none of the WAL that it waits for. See whether its archive_command hangs, and whether what it writes to answers; then back up again.`;
  }
}

/** Hands the tar on, and reads where it starts from its first file, the backup label. */
async function* tapped(tar: AsyncIterable<Uint8Array>, onStart: (lsn: string) => void): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const piece of tar) {
    if (head !== null) {
      head = Buffer.concat([head, piece]).subarray(0, 4 * tarBlock);
      const [, lsn] = /^backup_label\0[\s\S]*START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /.exec(head.toString("latin1")) ?? [];
      if (lsn) onStart(lsn);
      if (lsn || head.length === 4 * tarBlock) head = null;
    }
    yield piece;
  }
}

type Wanted = Server & { startLsn: string; label: string; name: string };

/**
 * Where the base backup ends stands in a file that the server archives last of all. Finding it shows that the plan's archive is this
 * server's, and that it can be read.
 */
async function readStop(archive: ObjectStorage, wanted: Wanted): Promise<string> {
  const { startLsn, walSegmentBytes, label, name } = wanted;
  const offset = (Number(`0x${startLsn.split("/")[1]}`) % walSegmentBytes).toString(16).toUpperCase().padStart(8, "0");
  const key = `${segmentOf(startLsn, wanted)}.${offset}.backup`;
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of await archive.get(key)) chunks.push(chunk);
  } catch (error) {
    throw new DomainError(
      "precondition-failed",
      `${name} has archived its base backup, but not to the WAL archive that the plan names: ${(error as Error).message} Name the place where its archive_command puts files, under the names that PostgreSQL gives them.`,
      {},
      { cause: error },
    );
  }
  const text = Buffer.concat(chunks).toString();
  const [, stopLsn] = /^STOP WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /m.exec(text) ?? [];
  if (stopLsn && text.includes(`LABEL: ${label}\n`)) return stopLsn;
  throw new DomainError("precondition-failed", `The WAL archive that the plan names is another server's than ${name}'s.`);
}
