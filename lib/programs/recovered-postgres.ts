import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import { findServerPrograms } from "./postgres-programs.ts";
import { giveToServer, serverCommand, singleUserCommand } from "./postgres-server.ts";
import { runProgram } from "./program.ts";
import { makeScratchFolder, type ScratchFolder } from "./scratch.ts";
import { scratchSettings } from "./scratch-postgres.ts";
import { startServer } from "./scratch-server.ts";

/** A PostgreSQL of one's own on loopback that holds what another server held at an instant. */
export type RecoveredPostgres = {
  /** Its superuser's address of a database. */
  addressOf(database: string): ServerAddress;
  /** Of the last transaction in it, as the server writes it, in UTC; null when none was replayed. */
  lastTransactionAt: string | null;
  /** Stops it and removes all of it. */
  stop(): Promise<void>;
};

export type RecoveredPostgresOptions = {
  workDir: string;
  /** The server's major version: files of one are read by no other. */
  majorVersion: number;
  /** Reads a base backup, pg_basebackup's tar without WAL, packed with gzip, to its end through `unpack`. What it throws is thrown on. */
  readBase: (unpack: (tar: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;
  /** Puts WAL segments into a folder, the oldest ones first, as many as it likes at a time; false when there are no more. */
  supplyWal: (folder: string) => Promise<boolean>;
  /** All that was committed until then is in it, and nothing later. */
  until: Date;
  /** Settings of the server that its files need: at least as high as they were there. */
  settings: Record<string, string>;
  /** Segments replayed so far. */
  onProgress?: (segments: number) => void;
  signal?: AbortSignal;
};

/** The WAL ends before a transaction after the instant: nobody knows whether all until then is in it. */
export class InstantNotReached extends Error {
  override readonly name = "InstantNotReached";
  /** Of the last transaction in it, as the server writes it, in UTC; null when there was none. */
  readonly lastTransactionAt: string | null;

  constructor(lastTransactionAt: string | null) {
    super(`The WAL ends before the instant: its last transaction is of ${lastTransactionAt ?? "before the base backup's end"}.`);
    this.lastTransactionAt = lastTransactionAt;
  }
}

/** The copy archives nothing, replicates nothing, connects to no other server, and lets nobody in while it recovers. */
const recoverySettings = {
  ...scratchSettings,
  wal_level: "replica",
  hot_standby: "off",
  archive_mode: "off",
  max_logical_replication_workers: "0",
  max_locks_per_transaction: "512",
  lc_messages: "C",
  password_encryption: "scram-sha-256",
  restart_after_crash: "off",
};
const nobody = "local all all reject\nhost all all all reject\n";

/**
 * Unpacks a base backup into a temporary folder and replays WAL until the instant. Throws InstantNotReached, and an Error with what the
 * server said or what to install.
 */
export async function startRecoveredPostgres(options: RecoveredPostgresOptions): Promise<RecoveredPostgres> {
  const { workDir, majorVersion } = options;
  const programs = findServerPrograms(majorVersion);
  if (programs?.majorVersion !== majorVersion) {
    throw new Error(
      `The controller's machine has no PostgreSQL server of version ${majorVersion} to recover with. Install postgresql-${majorVersion} there.`,
    );
  }
  const scratch = await makeScratchFolder(workDir, "postgres");
  const server = { programs, folder: join(scratch.path, "postgres") };
  try {
    await unpack(server.folder, options);
    const lastTransactionAt = await recover(scratch, server, options);
    const user = `scratch_${randomBytes(6).toString("hex")}`;
    const password = randomBytes(24).toString("base64url");
    await openTo(user, password, server, options);
    const running = await startServer({
      name: "The recovered PostgreSQL",
      folder: scratch,
      command: (port) => serverCommand({ ...server, port, options: settingsOf(options), diesWithParent: true }),
      ready: /database system is ready to accept connections/,
      portTaken: /could not bind/,
      signal: options.signal,
    });
    return {
      addressOf: (database) => ({
        url: `postgresql://${user}:${password}@127.0.0.1:${running.port}/${encodeURIComponent(database)}`,
      }),
      lastTransactionAt,
      stop: async () => {
        await running.stop();
        await scratch.remove();
      },
    };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

type Server = Parameters<typeof singleUserCommand>[0];

function settingsOf({ settings }: RecoveredPostgresOptions): Record<string, string> {
  return { ...recoverySettings, ...settings };
}

async function unpack(folder: string, { readBase, until, signal }: RecoveredPostgresOptions): Promise<void> {
  const data = join(folder, "data");
  for (const path of [folder, data, join(folder, "wal")]) await mkdir(path, { mode: 0o700 });
  await readBase(async (tar) => {
    await runProgram({
      command: "tar",
      args: ["--extract", "--gzip", "--no-same-owner", `--directory=${data}`],
      input: tar,
      signal,
    });
  });
  // What the other server was configured with is not for a copy: where it archives to, above all.
  await rm(join(data, "postgresql.auto.conf"), { force: true });
  const lines = {
    // Relative to the data directory: the server may see it at another place.
    restore_command: "cp ../wal/%f %p",
    recovery_target_time: until.toISOString().replace("T", " ").replace("Z", "+00"),
    recovery_target_timeline: "current",
    recovery_target_action: "promote",
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} = '${value}'\n`);
  await writeFile(join(data, "postgresql.conf"), text.join(""), { mode: 0o600 });
  await writeFile(join(data, "pg_hba.conf"), nobody, { mode: 0o600 });
  await writeFile(join(data, "pg_ident.conf"), "", { mode: 0o600 });
  await writeFile(join(data, "recovery.signal"), "");
}

/** When the last transaction was. A recovery that ran out of WAL goes on with more of it from where it was. */
async function recover(scratch: ScratchFolder, server: Server, options: RecoveredPostgresOptions): Promise<string | null> {
  const { supplyWal, onProgress = () => {}, signal } = options;
  const replayed = new Set<string>();
  let isStopped = false;
  let last: string | null = null;
  const onLine = (line: string) => {
    const segment = /restored log file "([0-9A-F]{24})"/.exec(line)?.[1];
    if (segment) onProgress(replayed.add(segment).size);
    isStopped ||= /recovery stopping (before|after)/.test(line);
    last = /last completed transaction was at log time (.+)$/.exec(line)?.[1]?.trim() ?? last;
  };
  const wal = join(server.folder, "wal");
  while (await supplyWal(wal)) {
    // Servers before 13 are content with the end of the WAL, and never go on from there: they get all of it at once.
    if (options.majorVersion < 13) while (await supplyWal(wal));
    await giveToServer(server.folder);
    try {
      const running = await startServer({
        name: "The PostgreSQL that recovers",
        folder: scratch,
        command: (port) => serverCommand({ ...server, port, options: settingsOf(options), diesWithParent: true }),
        ready: /database system is ready to accept connections/,
        portTaken: /could not bind/,
        startMs: null,
        onLine,
        signal,
      });
      await running.stop();
      if (!isStopped) throw new InstantNotReached(last);
      return last;
    } catch (error) {
      if (!isOutOfWal(error)) throw error;
    }
  }
  throw new InstantNotReached(last);
}

function isOutOfWal(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return /recovery ended before configured recovery target was reached|WAL ends before end of online backup/.test(message);
}

/** Whose passwords are known stands in the copy alone: a role of one's own is made before the server opens, and nobody else gets in. */
async function openTo(user: string, password: string, server: Server, options: RecoveredPostgresOptions): Promise<void> {
  const hba = join(server.folder, "data", "pg_hba.conf");
  await writeFile(hba, `host all ${user} 127.0.0.1/32 scram-sha-256\n${nobody}`);
  const sql = `CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD '${password}'\n`;
  const input = (async function* () {
    yield Buffer.from(sql);
  })();
  const single = singleUserCommand(server, { database: "template1", options: settingsOf(options) });
  await runProgram({ ...single, input, signal: options.signal });
}
