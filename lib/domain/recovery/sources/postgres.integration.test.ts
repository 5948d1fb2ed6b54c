import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connectServer, type ServerAddress } from "#lib/database/server-connection.ts";
import { postgresPart } from "./postgres.ts";
import { comparePostgres } from "./postgres-comparison.ts";
import { type PostgresFacts, postgresFactsSchema } from "./postgres-facts.ts";
import { pointInTime } from "./postgres-point-in-time.ts";
import { checkDump, provePostgres } from "./postgres-proof.ts";
import { dropFormer, findFormer, restorePostgres, undoSwap } from "./postgres-restore.ts";
import { ask, pieces, save, startTestServer, type TestServer } from "./test-postgres.ts";

const schema = `
  CREATE TABLE documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title text NOT NULL);
  CREATE TABLE operations (
    document_id uuid NOT NULL REFERENCES documents (id), revision bigint NOT NULL, delta jsonb NOT NULL,
    PRIMARY KEY (document_id, revision)
  );
  CREATE TABLE sessions (id bigserial PRIMARY KEY, token text NOT NULL);
  CREATE TABLE notes (body text);
  CREATE SCHEMA billing;
  CREATE TABLE billing."Invoices" (number int PRIMARY KEY, amount numeric NOT NULL);
  INSERT INTO documents (title) SELECT 'document ' || n FROM generate_series(1, 20) n;
  INSERT INTO operations SELECT id, n, '{"insert": "text"}' FROM documents, generate_series(1, 500) n;
  INSERT INTO sessions (token) SELECT md5(n::text) FROM generate_series(1, 1000) n;
  INSERT INTO billing."Invoices" SELECT n, n * 10 FROM generate_series(1, 50) n;`;

let server: TestServer;
let address: ServerAddress;
let count = 0;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

beforeEach(async () => {
  count += 1;
  address = await server.makeDatabase(`relay${count}`);
  await ask(address, schema);
});

async function saved(tables: string[] | null = null, from = address): Promise<{ dump: Buffer; facts: PostgresFacts }> {
  const { content, facts } = await save(postgresPart(from, { tables }));
  return { dump: content, facts: postgresFactsSchema.parse(facts) };
}

const failures = (checks: { passed: boolean }[]) => checks.filter(({ passed }) => !passed);

async function rowsOf(table: string, from = address): Promise<number> {
  const [row] = await ask(from, `SELECT count(*)::int AS count FROM ${table}`);
  return Number(row?.count);
}

function databases(): Promise<string[]> {
  return ask(server.admin, "SELECT datname FROM pg_database").then((rows) => rows.map(({ datname }) => String(datname)));
}

test("a server that hangs up because it is busy is asked again", async () => {
  const { hostname, port } = new URL(address.url);
  let asked = 0;
  const busy = createServer((client) => {
    asked += 1;
    if (asked === 1) return client.destroy();
    const behind = connect(Number(port), hostname);
    for (const socket of [client, behind]) socket.on("error", () => {});
    client.pipe(behind).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(busy, "listening");
  try {
    const through = new URL(address.url);
    through.hostname = "127.0.0.1";
    through.port = String((busy.address() as AddressInfo).port);
    const { facts } = await saved(null, { url: through.href });
    expect(facts.tables).toHaveLength(5);
    expect(asked).toBeGreaterThan(1);
  } finally {
    busy.close();
  }
});

test("the facts say rows and highest number of every table", async () => {
  const { facts } = await saved();
  expect(facts).toMatchObject({ majorVersion: 15, database: `relay${count}`, chosenTables: null });
  expect(facts.walPosition).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  const [newest] = await ask(address, "SELECT id::text FROM documents ORDER BY id DESC LIMIT 1");
  expect(facts.tables).toEqual([
    { name: "billing.Invoices", rows: 50, highest: { column: "number", value: "50" } },
    { name: "public.documents", rows: 20, highest: { column: "id", value: newest?.id } },
    { name: "public.notes", rows: 0, highest: null },
    { name: "public.operations", rows: 10_000, highest: { column: "revision", value: "500" } },
    { name: "public.sessions", rows: 1_000, highest: { column: "id", value: "1000" } },
  ]);
});

test("facts and dump are of one instant while others write", async () => {
  const writer = await connectServer(address);
  let isWriting = true;
  let written = 0;
  const writing = (async () => {
    while (isWriting) {
      await writer.query("INSERT INTO sessions (token) VALUES ('later')");
      await writer.query("DELETE FROM operations WHERE revision = (SELECT max(revision) FROM operations)");
      written += 1;
    }
  })();
  await expect.poll(() => written, { interval: 5 }).toBeGreaterThan(5);
  const { content, facts } = await save(postgresPart(address, { tables: null }), async () => {
    const before = written;
    await expect.poll(() => written - before, { interval: 5 }).toBeGreaterThan(20);
  });
  isWriting = false;
  await writing;
  await writer.end();
  const parsed = postgresFactsSchema.parse(facts);
  expect(failures(await provePostgres(pieces(content), parsed, { workDir: server.workDir }))).toEqual([]);
  expect(failures(await comparePostgres(address, parsed)).length).toBe(2);
});

test("a proof answers for every table and leaves nothing behind", async () => {
  const { dump, facts } = await saved();
  const before = readdirSync(server.workDir);
  const checks = await provePostgres(pieces(dump), facts, { workDir: server.workDir });
  expect(checks).toHaveLength(6);
  expect(checks).toContainEqual({
    name: "Table public.sessions",
    wanted: "1,000 rows, highest id 1000",
    found: "1,000 rows, highest id 1000",
    passed: true,
  });
  expect(failures(checks)).toEqual([]);
  expect(readdirSync(server.workDir)).toEqual(before);
});

test("a dump that lacks rows fails its proof and names the table", async () => {
  const { dump, facts } = await saved();
  const tables = facts.tables.map((table) => (table.name === "public.sessions" ? { ...table, rows: 1_001 } : table));
  const checks = await provePostgres(pieces(dump), { ...facts, tables }, { workDir: server.workDir });
  expect(failures(checks)).toEqual([
    { name: "Table public.sessions", wanted: "1,001 rows, highest id 1000", found: "1,000 rows, highest id 1000", passed: false },
  ]);
});

test("a dump that was cut or is none fails the listing or the restore with what pg_restore said", async () => {
  const { dump, facts } = await saved();
  expect(failures(await checkDump(pieces(dump), facts))).toEqual([]);
  const [listed] = await checkDump(pieces(Buffer.from("no dump at all, however long it may be")), facts);
  expect(listed).toMatchObject({ passed: false, found: expect.stringContaining("pg_restore failed") });
  const cut = dump.subarray(0, dump.length - 5_000);
  const [restored] = await provePostgres(pieces(cut), facts, { workDir: server.workDir });
  expect(restored).toMatchObject({ passed: false, found: expect.stringContaining("pg_restore failed") });
});

test("a chosen table is saved with all definitions and proven by itself", async () => {
  const { dump, facts } = await saved(["operations", "billing.Invoices"]);
  expect(facts.chosenTables).toEqual(["billing.Invoices", "public.operations"]);
  expect(facts.tables.map(({ name }) => name)).toEqual(["billing.Invoices", "public.operations"]);
  expect(failures(await provePostgres(pieces(dump), facts, { workDir: server.workDir }))).toEqual([]);
});

test("a chosen table that is not there is refused by name", async () => {
  await expect(saved(["documents", "operation"])).rejects.toThrow("The database has no table public.operation.");
});

test("a server that does not answer is said to, without its password", async () => {
  const wrong = { url: "postgresql://relay:hidden@127.0.0.1:1/relay" };
  await expect(saved(null, wrong)).rejects.toThrow(/^127\.0\.0\.1:1\/relay does not answer/);
});

test("restored in place, a database is what was saved, and the former one is kept until it is let go", async () => {
  const { dump, facts } = await saved();
  await ask(address, `ALTER DATABASE relay${count} SET work_mem = '7MB'`);
  await ask(address, "DELETE FROM operations; INSERT INTO sessions (token) VALUES ('after the backup')");
  const client = await connectServer(address);
  const restoration = await restorePostgres({ dump: pieces(dump), facts, address, tables: null, tag: "restore-1" });
  expect(restoration.how).toBe("swapped");
  await expect(client.query("SELECT 1")).rejects.toThrow();
  await client.end().catch(() => {});
  expect(failures(await comparePostgres(address, facts))).toEqual([]);
  expect(await ask(address, "SHOW work_mem")).toEqual([{ work_mem: "7MB" }]);
  expect(await findFormer(address, "restore-1")).toBe(restoration.former);
  const former = { url: address.url.replace(`/relay${count}`, `/${restoration.former}`) };
  expect(await rowsOf("sessions", former)).toBe(1_001);
  await dropFormer(address, "restore-1");
  expect(await databases()).not.toContain(restoration.former);
});

test("a restore that fails leaves the present untouched and nothing beside it", async () => {
  const { dump, facts } = await saved();
  await ask(address, "INSERT INTO sessions (token) VALUES ('after the backup')");
  const before = await databases();
  const cut = dump.subarray(0, dump.length - 5_000);
  await expect(restorePostgres({ dump: pieces(cut), facts, address, tables: null, tag: "cut" })).rejects.toThrow(
    "pg_restore failed",
  );
  const other = { ...facts, tables: facts.tables.map((table) => ({ ...table, rows: table.rows + 1 })) };
  const different = restorePostgres({ dump: pieces(dump), facts: other, address, tables: null, tag: "different" });
  await expect(different).rejects.toThrow("What was restored is not what was saved");
  expect(await databases()).toEqual(before);
  expect(await rowsOf("sessions")).toBe(1_001);
});

test("a restore that is tried again finds that it is done, and can be taken back", async () => {
  const { dump, facts } = await saved();
  await ask(address, "INSERT INTO sessions (token) VALUES ('after the backup')");
  const options = { facts, address, tables: null, tag: "twice" };
  await restorePostgres({ ...options, dump: pieces(dump) });
  await ask(address, "INSERT INTO notes VALUES ('written after the restore')");
  expect((await restorePostgres({ ...options, dump: pieces(dump) })).how).toBe("already");
  expect(await rowsOf("notes")).toBe(1);
  expect(await undoSwap(address, "twice")).toBe(true);
  expect(await rowsOf("sessions")).toBe(1_001);
  expect(await undoSwap(address, "twice")).toBe(false);
});

test("a database that clients connect to all the time is swapped, too", async () => {
  const { dump, facts } = await saved();
  let isOn = true;
  let connections = 0;
  const clients = Array.from({ length: 6 }, async () => {
    while (isOn) {
      const client = await connectServer(address).catch(() => null);
      if (!client) continue;
      connections += 1;
      await client.query("SELECT pg_sleep(0.05)").catch(() => {});
      await client.end().catch(() => {});
    }
  });
  await expect.poll(() => connections, { interval: 5 }).toBeGreaterThan(10);
  const restoration = await restorePostgres({ dump: pieces(dump), facts, address, tables: null, tag: "busy" });
  const after = connections;
  await expect.poll(() => connections, { interval: 5 }).toBeGreaterThan(after + 5);
  isOn = false;
  await Promise.all(clients);
  expect(restoration.how).toBe("swapped");
  expect(failures(await comparePostgres(address, facts))).toEqual([]);
});

test("a role that may not create databases gets everything replaced in one transaction, or nothing", async () => {
  const role = `owner${count}`;
  await ask(server.admin, `CREATE ROLE ${role} LOGIN PASSWORD 'own'; ALTER DATABASE relay${count} OWNER TO ${role}`);
  await ask(address, `ALTER SCHEMA public OWNER TO ${role}`);
  const own = { url: address.url.replace(/\/\/[^@]*@/, `//${role}:own@`) };
  await ask(own, "CREATE TABLE letters (id serial PRIMARY KEY, body text); INSERT INTO letters (body) VALUES ('one'), ('two')");
  await ask(address, "DROP SCHEMA billing CASCADE; DROP TABLE operations, documents, sessions, notes");
  const { dump, facts } = await saved(null, own);
  await ask(own, "DELETE FROM letters; INSERT INTO letters (body) VALUES ('after the backup')");
  const cut = dump.subarray(0, dump.length - 200);
  const options = { facts, address: own, tables: null, tag: "owner" };
  await expect(restorePostgres({ ...options, dump: pieces(cut) })).rejects.toThrow("pg_restore failed");
  expect(await ask(own, "SELECT body FROM letters")).toEqual([{ body: "after the backup" }]);
  const restoration = await restorePostgres({ ...options, dump: pieces(dump) });
  expect(restoration).toMatchObject({ how: "replaced", former: null });
  expect(restoration.message).toContain(`the role ${role} may not create databases`);
  expect(failures(await comparePostgres(own, facts))).toEqual([]);
});

test("chosen tables are put back in one transaction, and the others keep what they have", async () => {
  const { dump, facts } = await saved();
  await ask(address, "DELETE FROM sessions WHERE id > 10; INSERT INTO notes VALUES ('kept')");
  const options = { facts, address, tag: "tables" };
  const cut = dump.subarray(0, dump.length - 5_000);
  await expect(restorePostgres({ ...options, tables: ["sessions"], dump: pieces(cut) })).rejects.toThrow("pg_restore failed");
  expect(await rowsOf("sessions")).toBe(10);
  await restorePostgres({ ...options, tables: ["sessions"], dump: pieces(dump) });
  expect([await rowsOf("sessions"), await rowsOf("notes")]).toEqual([1_000, 1]);
  const [row] = await ask(address, "INSERT INTO sessions (token) VALUES ('next') RETURNING id::int");
  expect(row).toEqual({ id: 1_001 });
});

test("chosen tables that others refer to are refused with what to choose", async () => {
  const { dump, facts } = await saved();
  const options = { facts, address, tag: "referred", dump: pieces(dump) };
  await expect(restorePostgres({ ...options, tables: ["documents"] })).rejects.toThrow(
    "public.operations refers to rows of public.documents: restore both together",
  );
  await expect(restorePostgres({ ...options, tables: ["invoices"] })).rejects.toThrow(
    "The backup does not hold public.invoices.",
  );
});

test("a server that archives no WAL is said to have no instants between backups, and which setting says so", async () => {
  const name = new URL(address.url).host;
  expect(await pointInTime(address, null)).toEqual({
    available: false,
    span: null,
    message: `${name}/relay${count} does not archive its WAL (archive_mode is off). It can be restored to a backup's instant only.`,
  });
});
