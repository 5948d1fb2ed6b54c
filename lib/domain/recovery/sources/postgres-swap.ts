import pg from "pg";
import {
  connectPatiently,
  databaseNameOf,
  type ServerAddress,
  serverName,
  withDatabase,
  withServer,
} from "#lib/database/server-connection.ts";
import { DomainError } from "../../errors.ts";

/** A database that is restored beside the present one and takes its name in one transaction. */

const swapTries = 6;
const endOthersMs = 100;

/** A connection to the server that stands in the way of no renaming. */
export function withMaintenance<T>(address: ServerAddress, run: (client: pg.Client) => Promise<T>): Promise<T> {
  return withServer(maintenanceOf(address), run, 10 * 60_000);
}

/**
 * A connection to the server that an address names, to ask what holds of all of its databases: by the server's own one where the
 * address's is not there any more.
 */
export async function withAnyDatabase<T>(address: ServerAddress, run: (client: pg.Client) => Promise<T>): Promise<T> {
  try {
    return await withServer(address, run);
  } catch (error) {
    if (!isMissingDatabase(error)) throw error;
    return withServer(maintenanceOf(address), run);
  }
}

/** PostgreSQL's invalid_catalog_name. */
function isMissingDatabase(error: unknown): boolean {
  return (error as { code?: string }).code === "3D000";
}

function maintenanceOf(address: ServerAddress): ServerAddress {
  return withDatabase(address, databaseNameOf(address) === "postgres" ? "template1" : "postgres");
}

export type Rights = { canSwap: true } | { canSwap: false; reason: string };

/** Whether the client's role may create a database and rename the one that it is connected to, and if not, why. */
export async function findRights(client: pg.Client): Promise<Rights> {
  const { rows } = await client.query<{ role: string; creates: boolean; owns: boolean; ends: boolean }>(
    `SELECT current_user AS role, r.rolsuper OR r.rolcreatedb AS creates, r.rolsuper OR pg_has_role(d.datdba, 'USAGE') AS owns,
      r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') OR NOT EXISTS (
        SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND NOT pg_has_role(a.usesysid, 'USAGE')
      ) AS ends
    FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`,
  );
  const [row] = rows;
  if (!row?.creates) return { canSwap: false, reason: `the role ${row?.role} may not create databases` };
  if (!row.owns) return { canSwap: false, reason: `the role ${row.role} does not own the database` };
  if (!row.ends) return { canSwap: false, reason: `the role ${row.role} may not end the connections of others` };
  return { canSwap: true };
}

/** Makes a database, empty, when the server has none of that name, and says whether it did. Of a lost one nothing else is left. */
export async function makeMissingDatabase(client: pg.Client, database: string): Promise<boolean> {
  if (await hasDatabase(client, database)) return false;
  await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} TEMPLATE template0`);
  return true;
}

export async function hasDatabase(client: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
  return (rowCount ?? 0) > 0;
}

export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
}

type DatabaseRow = {
  owner: string;
  encoding: string;
  collate: string;
  ctype: string;
  provider: string;
  locale: string | null;
  limit: number;
  hasAcl: boolean;
  isSuperuser: boolean;
};

/** Makes an empty database with the encoding, locale, owner, settings and rights of another one. */
export async function makeLikeDatabase(
  client: pg.Client,
  { like, name }: { like: string; name: string },
): Promise<{ isSuperuser: boolean }> {
  // Columns of newer versions are read through JSON, where older ones have none.
  const { rows } = await client.query<DatabaseRow>(
    `SELECT pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate,
      d.datctype AS ctype, coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider,
      coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale, d.datconnlimit AS limit,
      d.datacl IS NOT NULL AS "hasAcl", r.rolsuper AS "isSuperuser"
    FROM pg_database d, pg_roles r WHERE d.datname = $1 AND r.rolname = current_user`,
    [like],
  );
  const [row] = rows;
  if (!row) {
    throw new DomainError("precondition-failed", `The server has no database ${like}. Create it, empty, then restore again.`);
  }
  const { escapeIdentifier: id, escapeLiteral: text } = pg;
  const icu = row.provider === "i" && row.locale ? ` LOCALE_PROVIDER icu ICU_LOCALE ${text(row.locale)}` : "";
  await client.query(
    `CREATE DATABASE ${id(name)} TEMPLATE template0 OWNER ${id(row.owner)} ENCODING ${text(row.encoding)}
      LC_COLLATE ${text(row.collate)} LC_CTYPE ${text(row.ctype)}${icu} CONNECTION LIMIT ${row.limit}`,
  );
  await copySettings(client, like, name);
  if (row.hasAcl) await copyRights(client, like, name);
  return { isSuperuser: row.isSuperuser };
}

async function copySettings(client: pg.Client, like: string, name: string): Promise<void> {
  const { rows } = await client.query<{ setting: string }>(
    `SELECT unnest(s.setconfig) AS setting FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = $1 AND s.setrole = 0`,
    [like],
  );
  for (const { setting } of rows) {
    const cut = setting.indexOf("=");
    const key = setting.slice(0, cut);
    await client.query(`ALTER DATABASE ${pg.escapeIdentifier(name)} SET ${key} = ${pg.escapeLiteral(setting.slice(cut + 1))}`);
  }
}

async function copyRights(client: pg.Client, like: string, name: string): Promise<void> {
  const { rows } = await client.query<{ grantee: string | null; privilege: string; grantable: boolean }>(
    `SELECT r.rolname AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
    FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.datname = $1`,
    [like],
  );
  const on = `ON DATABASE ${pg.escapeIdentifier(name)}`;
  await client.query(`REVOKE ALL ${on} FROM PUBLIC`);
  for (const { grantee, privilege, grantable } of rows) {
    const to = grantee === null ? "PUBLIC" : pg.escapeIdentifier(grantee);
    await client.query(`GRANT ${privilege} ${on} TO ${to}${grantable ? " WITH GRANT OPTION" : ""}`);
  }
}

/**
 * Renames `database` to `outgoing` and `incoming` to `database` in one transaction. The first renaming locks the database: who
 * connects waits for it, and who is connected is sent away until it goes through.
 */
export async function swapDatabases(
  address: ServerAddress,
  { database, incoming, outgoing }: { database: string; incoming: string; outgoing: string },
): Promise<void> {
  const maintenance = maintenanceOf(address);
  const [client, ender] = await Promise.all([connectPatiently(maintenance), connectPatiently(maintenance)]);
  const timer = setInterval(() => void endOthers(ender, [database, incoming]).catch(() => {}), endOthersMs);
  try {
    await endOthers(ender, [database, incoming]);
    for (let tries = 1; ; tries += 1) {
      try {
        await client.query("BEGIN");
        await client.query(`ALTER DATABASE ${pg.escapeIdentifier(database)} RENAME TO ${pg.escapeIdentifier(outgoing)}`);
        await client.query(`ALTER DATABASE ${pg.escapeIdentifier(incoming)} RENAME TO ${pg.escapeIdentifier(database)}`);
        await client.query("COMMIT");
        return;
      } catch (error) {
        await client.query("ROLLBACK").catch(() => {});
        const isInUse = error instanceof pg.DatabaseError && error.code === "55006";
        if (!isInUse || tries === swapTries) {
          const message = error instanceof Error ? error.message : String(error);
          throw new DomainError(
            "precondition-failed",
            `${serverName(address)} could not be renamed: ${message}. Stop what is connected to it, or end its prepared transactions, then restore again.`,
            {},
            { cause: error },
          );
        }
      }
    }
  } finally {
    clearInterval(timer);
    await Promise.all([client.end(), ender.end()].map((end) => end.catch(() => {})));
  }
}

async function endOthers(client: pg.Client, databases: string[]): Promise<void> {
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    [databases],
  );
}
