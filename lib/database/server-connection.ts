import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A PostgreSQL server of a fleet: its address with credentials, and where to dial when its name means nothing here. */
export type ServerAddress = { url: string; host?: string };

const connectTimeoutMs = 3_000;

/** What is not to be given up because a server is busy: a backup, a restore. */
const patience = { tries: 3, connectTimeoutMs: 10_000 };

/** Connects to a server; the caller ends the connection. Rejects with the driver's error when it does not answer within 3 s. */
export function connectServer(address: ServerAddress, queryTimeoutMs?: number): Promise<pg.Client> {
  return connect(address, { connectTimeoutMs, queryTimeoutMs });
}

/**
 * As connectServer, for what must not fail because a server is busy or is just starting: tries three times, 10 s each. A server that
 * refuses is not asked again.
 */
export async function connectPatiently(address: ServerAddress): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await connect(address, patience);
    } catch (error) {
      if (tries === patience.tries || !isBusy(error)) throw error;
      await sleep(1_000);
    }
  }
}

/** Answered too late, hung up, or said that it starts or has no room for another connection. */
function isBusy(error: unknown): boolean {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  return ["ETIMEDOUT", "ECONNRESET", "57P03", "53300"].includes(code) || /timeout expired|terminated unexpectedly/.test(message);
}

type Patience = { connectTimeoutMs: number; queryTimeoutMs?: number };

async function connect({ url, host }: ServerAddress, { connectTimeoutMs, queryTimeoutMs }: Patience): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: dialled(url, host),
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    application_name: "switchyard",
  });
  // A server that ends the connection later tells so by an event that nobody else waits for.
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Runs queries on a connection of their own. A query is given up after `timeoutMs`. */
export async function withServer<T>(
  address: ServerAddress,
  run: (client: pg.Client) => Promise<T>,
  timeoutMs = 30_000,
): Promise<T> {
  const client = await connectServer(address, timeoutMs);
  try {
    return await run(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The same server's address of another database. */
export function withDatabase({ url, host }: ServerAddress, database: string): ServerAddress {
  const address = new URL(url);
  address.pathname = `/${encodeURIComponent(database)}`;
  return { url: address.href, host };
}

/** The database that an address names; PostgreSQL takes the user's name where it names none. */
export function databaseNameOf({ url }: ServerAddress): string {
  const { pathname, username } = new URL(url);
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username);
}

/** HOST:PORT/DATABASE, without credentials. */
export function serverName(address: ServerAddress): string {
  const { hostname, port } = new URL(address.url);
  return `${hostname}:${port || "5432"}/${databaseNameOf(address)}`;
}

/** The address as environment of PostgreSQL's own programs: their arguments can be read by everybody on the machine. */
export function libpqEnvironment(address: ServerAddress): Record<string, string> {
  const { hostname, port, username, password, searchParams } = new URL(address.url);
  const name = hostname.replace(/^\[|\]$/g, "");
  const ssl = ["sslmode", "sslrootcert", "sslcert", "sslkey"].flatMap((option) => {
    const value = searchParams.get(option);
    return value === null ? [] : [[`PG${option.toUpperCase()}`, value]];
  });
  return {
    PGHOST: name,
    // The name stays what its certificate is held against.
    ...(address.host !== undefined && isIP(address.host) !== 0 ? { PGHOSTADDR: address.host } : {}),
    PGPORT: port || "5432",
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: databaseNameOf(address),
    PGAPPNAME: "switchyard",
    PGCONNECT_TIMEOUT: "30",
    ...Object.fromEntries(ssl),
  };
}

function dialled(url: string, host: string | undefined): string {
  if (host === undefined) return url;
  const address = new URL(url);
  address.hostname = host;
  return address.href;
}
