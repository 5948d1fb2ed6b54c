import { type ServerAddress, serverName, withServer } from "#lib/database/server-connection.ts";

/** What a server says of its WAL archiving. */
export type Archiving = {
  mode: string;
  command: string;
  library: string;
  archived: number;
  lastAt: Date | null;
  failed: number;
  lastFailedAt: Date | null;
};

/**
 * Whether a database can be brought to an instant between backups, and if not, exactly why. Switchyard keeps dumps, which WAL cannot be
 * replayed onto: that takes a base backup of the whole server and its WAL archive, which are the server's and not Switchyard's.
 */
export async function pointInTime(address: ServerAddress): Promise<{ available: boolean; message: string }> {
  const name = serverName(address);
  const found = await withServer(address, readArchiving).catch((error: Error) => error);
  if (found instanceof Error) return no(`${name} could not be asked whether it archives its WAL: ${found.message}`);
  return no(judgeArchiving(name, found));
}

/** Why the WAL archive of a server does not help, in one or two sentences. */
export function judgeArchiving(name: string, archiving: Archiving): string {
  const { mode, archived, lastAt, failed, lastFailedAt } = archiving;
  if (mode === "off")
    return `${name} does not archive its WAL (archive_mode is off): it can be restored to a backup's instant only.`;
  if (isDisabled(archiving)) {
    return `${name} has archive_mode ${mode} and no archive_command or archive_library: nothing is archived, it can be restored to a backup's instant only.`;
  }
  if (lastFailedAt && (!lastAt || lastFailedAt > lastAt)) {
    return `${name} fails to archive its WAL, last at ${lastFailedAt.toISOString()} (${failed} times so far): look at its log. It can be restored to a backup's instant only.`;
  }
  const state = lastAt ? `${archived} WAL files, the last at ${lastAt.toISOString()}` : "no WAL file so far";
  return `${name} archives its WAL (${state}), but to an archive that Switchyard cannot read, and Switchyard's backups are dumps, which WAL is not replayed onto. Restore to an instant from the base backup that goes with that archive, with the tool that made it.`;
}

function no(message: string): { available: boolean; message: string } {
  return { available: false, message };
}

function isDisabled({ command, library }: Archiving): boolean {
  return library === "" && (command === "" || command === "(disabled)");
}

async function readArchiving(client: { query: <T extends object>(sql: string) => Promise<{ rows: T[] }> }): Promise<Archiving> {
  const { rows } = await client.query<Archiving>(
    `SELECT current_setting('archive_mode') AS mode, coalesce(current_setting('archive_command', true), '') AS command,
      coalesce(current_setting('archive_library', true), '') AS library, archived_count::int AS archived,
      last_archived_time AS "lastAt", failed_count::int AS failed, last_failed_time AS "lastFailedAt"
    FROM pg_stat_archiver`,
  );
  const [row] = rows;
  if (!row) throw new Error("pg_stat_archiver is empty");
  return row;
}
