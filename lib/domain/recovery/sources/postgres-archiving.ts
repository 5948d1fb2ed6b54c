/** What a server says of its WAL archiving. */
export type Archiving = {
  mode: string;
  command: string;
  library: string;
  archived: number;
  /** The last segment or other file that was archived. */
  lastFile: string | null;
  lastAt: Date | null;
  failed: number;
  lastFailedAt: Date | null;
};

type Asker = { query: <T extends object>(sql: string) => Promise<{ rows: T[] }> };

export async function readArchiving(client: Asker): Promise<Archiving> {
  const { rows } = await client.query<Archiving>(
    `SELECT current_setting('archive_mode') AS mode, coalesce(current_setting('archive_command', true), '') AS command,
      coalesce(current_setting('archive_library', true), '') AS library, archived_count::int AS archived,
      last_archived_wal AS "lastFile", last_archived_time AS "lastAt", failed_count::int AS failed, last_failed_time AS "lastFailedAt"
    FROM pg_stat_archiver`,
  );
  const [row] = rows;
  if (!row) throw new Error("pg_stat_archiver is empty");
  return row;
}

/** The timeline that a server writes, in SQL; that of its last checkpoint can be the one before. */
export const timelineSql = `(CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
  ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END)`;

/** Why a server's WAL is not archived now, in a sentence; null when it is. */
export function judgeArchiving(name: string, archiving: Archiving): string | null {
  const { mode, lastAt, failed, lastFailedAt } = archiving;
  if (mode === "off") return `${name} does not archive its WAL (archive_mode is off).`;
  if (isDisabled(archiving)) {
    return `${name} has archive_mode ${mode} and no archive_command or archive_library: nothing is archived.`;
  }
  if (lastFailedAt && (!lastAt || lastFailedAt > lastAt)) {
    return `${name} fails to archive its WAL, last at ${lastFailedAt.toISOString()} (${failed} times so far): look at its log.`;
  }
  return null;
}

function isDisabled({ command, library }: Archiving): boolean {
  return library === "" && (command === "" || command === "(disabled)");
}
