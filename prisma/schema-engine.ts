import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import pg from "pg";

/**
 * Prisma's schema engine as WebAssembly, so that migrations need no downloaded binary. The folder layout and the
 * _prisma_migrations table are Prisma's own: `prisma migrate` works on the same database where its engine is to be had.
 */

const folder = fileURLToPath(new URL(".", import.meta.url));
const filters = { externalTables: [], externalEnums: [] };

/** Applies the migrations that the database at `url` does not have yet; returns their names. */
export async function applyMigrations(url: string): Promise<string[]> {
  await using engine = await openEngine(url);
  const migrationsList = await readMigrations();
  const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters });
  return appliedMigrationNames;
}

/** The SQL that leads from the migrations to schema.prisma; empty when they agree. Needs the right to create a database. */
export async function diffMigrationsToSchema(url: string): Promise<string> {
  const files = [{ path: join(folder, "schema.prisma"), content: await readFile(join(folder, "schema.prisma"), "utf8") }];
  await using engine = await openEngine(url);
  const { stdout, exitCode } = await engine.diff({
    from: { tag: "migrations", ...(await readMigrations()) },
    to: { tag: "schemaDatamodel", files },
    script: true,
    exitCode: true,
    filters,
  });
  return exitCode === 0 ? "" : (stdout ?? "");
}

async function openEngine(url: string) {
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`The schema engine stopped: ${message}`);
      },
    },
  });
  const { SchemaEngine } = await import("@prisma/schema-engine-wasm");
  const schema = await readFile(join(folder, "schema.prisma"), "utf8");
  const factory = new MigrationAdapterFactory(url);
  const adapter = bindMigrationAwareSqlAdapterFactory(factory);
  const engine = await SchemaEngine.new({ datamodels: [["schema.prisma", schema]] }, () => {}, adapter);
  async function close() {
    engine.free();
    await factory.close();
  }
  return Object.assign(engine, { [Symbol.asyncDispose]: close });
}

async function readMigrations() {
  const baseDir = join(folder, "migrations");
  const entries = await readdir(baseDir, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok" as const, value: await readFile(join(baseDir, name, "migration.sql"), "utf8") },
      },
    })),
  );
  const lockfile = { path: "migration_lock.toml", content: await readFile(join(baseDir, "migration_lock.toml"), "utf8") };
  return { baseDir, lockfile, shadowDbInitScript: "", migrationDirectories };
}

const pgChar = 18;
const pgBpchar = 1042;

/** PrismaPg for the schema engine: scripts run whole, "char" columns read as text, shadow databases closed before dropped. */
class MigrationAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = "postgres";
  readonly adapterName = "switchyard-migrations";
  readonly #url: string;
  readonly #open = new Set<SqlDriverAdapter>();

  constructor(url: string) {
    this.#url = url;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await openAdapter(this.#url, async () => {});
    this.#open.add(adapter);
    return adapter;
  }

  /** The engine frees its memory without closing its connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((adapter) => adapter.dispose()));
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const database = `switchyard_shadow_${crypto.randomUUID().replaceAll("-", "")}`;
    await runOnce(this.#url, `CREATE DATABASE "${database}"`);
    const url = new URL(this.#url);
    url.pathname = `/${database}`;
    return openAdapter(url.href, () => runOnce(this.#url, `DROP DATABASE "${database}"`));
  }
}

async function openAdapter(url: string, afterClose: () => Promise<void>): Promise<SqlDriverAdapter> {
  const pool = new pg.Pool({ connectionString: url, max: 2, allowExitOnIdle: true, options: "-c timezone=UTC" });
  readCharColumnsAsText(pool);
  const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect();
  const dispose = adapter.dispose.bind(adapter);
  return Object.assign(adapter, {
    // One simple query: PostgreSQL runs it as one transaction, and a `;` inside a function body does no harm.
    executeScript: async (script: string) => {
      await pool.query(script);
    },
    dispose: async () => {
      if (pool.ended) return;
      await dispose();
      await afterClose();
    },
  });
}

function readCharColumnsAsText(pool: pg.Pool): void {
  const query = pool.query.bind(pool) as (...parameters: unknown[]) => Promise<pg.QueryResult>;
  const patched = async (...parameters: unknown[]) => {
    const result = await query(...parameters);
    for (const field of result.fields ?? []) if (field.dataTypeID === pgChar) field.dataTypeID = pgBpchar;
    return result;
  };
  Object.assign(pool, { query: patched });
}

async function runOnce(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
