import { execFileSync } from "node:child_process";
import { existsSync, globSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import { sweepScratch } from "#lib/programs/scratch.ts";
import { postgresBasePart } from "./postgres-base.ts";
import { type PostgresBaseFacts, postgresBaseFactsSchema } from "./postgres-base-facts.ts";
import { comparePostgres } from "./postgres-comparison.ts";
import { pointInTime } from "./postgres-point-in-time.ts";
import { recoverPostgres } from "./postgres-recovery.ts";
import { restorePostgres } from "./postgres-restore.ts";
import { killSoon } from "./test-killed.ts";
import { ask, instant, pieces, save, startArchivingServer } from "./test-postgres.ts";

let server: Awaited<ReturnType<typeof startArchivingServer>>;
let address: ServerAddress;
let count = 0;
let walArchive: string;

beforeAll(async () => {
  server = await startArchivingServer();
  walArchive = pathToFileURL(server.archive).href;
});

afterAll(() => server.stop());

beforeEach(async () => {
  count += 1;
  address = await server.makeDatabase(`relay${count}`);
  await ask(address, "CREATE TABLE operations (id bigserial PRIMARY KEY, body text)");
});

/** A base backup is of all of them. */
afterEach(async () => {
  const databases = await ask(server.admin, "SELECT datname AS name FROM pg_database WHERE datname ~ '^(relay|later)'");
  for (const { name } of databases) await ask(server.admin, `DROP DATABASE "${String(name)}" WITH (FORCE)`);
});

const write = (rows: number) =>
  ask(address, `INSERT INTO operations (body) SELECT md5(random()::text) FROM generate_series(1, ${rows})`);

/** The newest segment that is full now, once it is archived. */
async function switchSegment(): Promise<string> {
  const [row] = await ask(server.admin, "SELECT pg_walfile_name(pg_switch_wal()) AS name");
  const name = String(row?.name);
  await expect.poll(() => readdirSync(server.archive), { timeout: 20_000, interval: 50 }).toContain(name);
  return name;
}

async function saveBase(from = address): Promise<Saved> {
  const { content, facts } = await save(postgresBasePart(from, { walArchive }));
  return { tar: content, base: postgresBaseFactsSchema.parse(facts) };
}

type Saved = { tar: Buffer; base: PostgresBaseFacts };

function recover({ tar, base }: Saved, untilTime: string, from = address, onProgress?: (message: string) => void) {
  const readBase = (unpack: (tar: AsyncIterable<Uint8Array>) => Promise<void>) => unpack(pieces(tar, 100_000));
  return recoverPostgres({ base, readBase, address: from, tables: null, untilTime, workDir: server.workDir, onProgress });
}

const failures = (checks: { passed: boolean }[]) => checks.filter(({ passed }) => !passed);
/** Process ids of the servers in scratch folders, but for the one of this test. */
function serversUnder(workDir: string): number[] {
  const names = globSync("scratch-*/server-*", { cwd: workDir }).filter(
    (name) => !server.archive.includes(name.split("/")[0] ?? ""),
  );
  return names.map((name) => Number(/-(\d+)-\d+$/.exec(name)?.[1]));
}

const isRunning = (pid: number) => existsSync(`/proc/${pid}`);
const scratchFolders = () => readdirSync(server.workDir).length;

test("a dropped table is back with exactly the rows that it had at an instant between two backups", async () => {
  await write(100);
  const saved = await saveBase();
  expect(await pointInTime(address, { facts: saved.base })).toMatchObject({ available: true });
  await write(50);
  await switchSegment();
  await write(7);
  const between = await instant(address);
  await write(1_000);
  await switchSegment();
  await ask(address, "DROP TABLE operations");
  const before = scratchFolders();
  const recovered = await recover(saved, between);
  expect(recovered.facts).toMatchObject({ database: `relay${count}`, snapshotAt: between });
  expect(recovered.facts.tables).toEqual([{ name: "public.operations", rows: 157, highest: { column: "id", value: "157" } }]);
  const { signal } = new AbortController();
  const { facts } = recovered;
  await restorePostgres({ dump: recovered.dump(signal), facts, address, tables: null, tag: "instant" });
  await recovered.close();
  expect(failures(await comparePostgres(address, facts))).toEqual([]);
  expect(await ask(address, "SELECT count(*)::int AS rows, max(id)::int AS highest FROM operations")).toEqual([
    { rows: 157, highest: 157 },
  ]);
  expect(scratchFolders()).toBe(before);
});

test("a dropped database is back with what its server has not archived yet", async () => {
  const saved = await saveBase();
  await write(40);
  const between = await instant(address);
  await write(1);
  await ask(server.admin, `DROP DATABASE relay${count}`);
  expect(await pointInTime(address, { facts: saved.base })).toMatchObject({
    available: true,
    message: expect.not.stringContaining("does not answer"),
  });
  const recovered = await recover(saved, between);
  const { signal } = new AbortController();
  const { facts } = recovered;
  await restorePostgres({ dump: recovered.dump(signal), facts, address, tables: null, tag: "dropped" });
  await recovered.close();
  expect(await ask(address, "SELECT count(*)::int AS rows FROM operations")).toEqual([{ rows: 40 }]);
});

test("a database that was dropped by the first transaction after the instant is back as of the one before the last", async () => {
  const saved = await saveBase();
  await write(40);
  const earlier = await instant(address);
  await write(1);
  const between = await instant(address);
  await ask(server.admin, `DROP DATABASE relay${count}`);
  const before = scratchFolders();
  await expect(recover(saved, between)).rejects.toThrow(/was dropped by the first transaction after .*which was at 20\d\d-/);
  expect(scratchFolders()).toBe(before);
  const recovered = await recover(saved, earlier);
  expect(recovered.facts.tables).toMatchObject([{ rows: 40 }]);
  await recovered.close();
});

test("what the server has not archived yet comes from itself, and it need not even be able to archive", async () => {
  const saved = await saveBase();
  writeFileSync(server.stopFile, "");
  await write(300);
  await ask(server.admin, "SELECT pg_switch_wal()");
  await write(20);
  const between = await instant(address);
  await write(5_000);
  const failing = "SELECT failed_count > 0 AND last_failed_time > last_archived_time AS failing FROM pg_stat_archiver";
  await expect.poll(() => ask(server.admin, failing), { timeout: 20_000, interval: 100 }).toEqual([{ failing: true }]);
  try {
    const answer = await pointInTime(address, { facts: saved.base });
    expect(answer).toMatchObject({ available: true, message: expect.stringContaining("fails to archive its WAL") });
    const recovered = await recover(saved, between);
    expect(recovered.facts.tables).toMatchObject([{ rows: 320 }]);
    await recovered.close();
    await expect(saveBase()).rejects.toThrow("fails to archive its WAL");
  } finally {
    rmSync(server.stopFile);
    await switchSegment();
  }
});

test("a base backup does not wait for ever for an archive_command that hangs", async () => {
  writeFileSync(server.hangFile, "");
  try {
    const patient = { watchMs: 200, failingMs: 60_000, idleMs: 3_000 };
    await expect(save(postgresBasePart(address, { walArchive, patient }))).rejects.toThrow(
      "See whether its archive_command hangs",
    );
  } finally {
    rmSync(server.hangFile);
    await switchSegment();
  }
});

/** Archives segments and lets go of them while nothing else runs in this process. */
function archiveAtOnce(segments: number): void {
  const code = `
    import { existsSync } from "node:fs";
    import { join } from "node:path";
    import { setTimeout as sleep } from "node:timers/promises";
    import { withServer } from "#lib/database/server-connection.ts";
    const { admin, archive } = ${JSON.stringify({ admin: server.admin, archive: server.archive })};
    await withServer(admin, async (client) => {
      for (let segment = 0; segment < ${segments}; segment += 1) {
        await client.query("SELECT pg_logical_emit_message(true, 'test', 'more')");
        const { rows } = await client.query("SELECT pg_walfile_name(pg_switch_wal()) AS name");
        while (!existsSync(join(archive, rows[0].name))) await sleep(50);
        await client.query("CHECKPOINT");
      }
    });`;
  const words = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", code];
  execFileSync(process.execPath, words, { cwd: resolve(import.meta.dirname), timeout: 60_000 });
}

test("what the server archives and lets go of while its archive is read comes from there", async () => {
  const saved = await saveBase();
  await write(10);
  await switchSegment();
  await write(7);
  const between = await instant(address);
  let isFirst = true;
  const recovered = await recover(saved, between, address, (message) => {
    if (isFirst && message.endsWith("fetched")) archiveAtOnce(4);
    isFirst = false;
  });
  expect(recovered.facts.tables).toMatchObject([{ rows: 17 }]);
  await recovered.close();
});

test("a gap in the archive is named, instants before it can be restored, and those after it are refused", async () => {
  const saved = await saveBase();
  await write(10);
  const reachable = await instant(address);
  await write(10);
  await switchSegment();
  await write(10);
  const gap = await switchSegment();
  await write(10);
  const lost = await instant(address);
  await switchSegment();
  const before = scratchFolders();
  renameSync(join(server.archive, gap), join(server.archive, "aside"));
  try {
    const answer = await pointInTime(address, { facts: saved.base });
    expect(answer.message).toMatch(new RegExp(`the WAL segment ${gap} is missing from there\\.$`));
    await expect(recover(saved, lost)).rejects.toThrow(gap);
    const recovered = await recover(saved, reachable);
    expect(recovered.facts.tables).toMatchObject([{ rows: 10 }]);
    await recovered.close();
  } finally {
    renameSync(join(server.archive, "aside"), join(server.archive, gap));
  }
  expect(scratchFolders()).toBe(before);
});

test("a transaction that was prepared before the instant and committed after it is not in what is recovered", async () => {
  const saved = await saveBase();
  await write(5);
  await ask(address, "BEGIN; INSERT INTO operations (body) VALUES ('prepared'); PREPARE TRANSACTION 'one'");
  const between = await instant(address);
  await ask(address, "COMMIT PREPARED 'one'");
  const recovered = await recover(saved, between);
  expect(recovered.facts.tables).toMatchObject([{ rows: 5 }]);
  await recovered.close();
});

test("an archive that was copied, all of it after the instant, is read as far as it takes to reach it", async () => {
  const saved = await saveBase();
  for (let segment = 0; segment < 5; segment += 1) {
    await write(10);
    await switchSegment();
  }
  const between = await instant(address);
  await write(10);
  await switchSegment();
  const copied = new Date(Date.now() + 1_000);
  for (const name of readdirSync(server.archive)) utimesSync(join(server.archive, name), copied, copied);
  const recovered = await recover(saved, between);
  expect(recovered.facts.tables).toMatchObject([{ rows: 50 }]);
  await recovered.close();
});

test("instants before the base backup, and those to come, are refused", async () => {
  await write(10);
  const early = await instant(address);
  const saved = await saveBase();
  await expect(recover(saved, early)).rejects.toThrow(`${early} is not between`);
  const late = new Date(Date.now() + 60_000).toISOString();
  await expect(recover(saved, late)).rejects.toThrow(`${late} is not between`);
});

test("without the server its archive is enough, and an instant after its last transaction is refused with when that was", async () => {
  const saved = await saveBase();
  await write(10);
  const between = await instant(address);
  await write(10);
  const last = await instant(address);
  await switchSegment();
  const gone = { url: address.url.replace(/:\d+\//, ":1/") };
  const answer = await pointInTime(gone, { facts: saved.base });
  expect(answer).toMatchObject({ available: true, message: expect.stringContaining("does not answer") });
  const before = scratchFolders();
  await expect(recover(saved, last, gone)).rejects.toThrow(
    /was not reached: the last transaction in the WAL archive is of 20\d\d-/,
  );
  expect(scratchFolders()).toBe(before);
  const recovered = await recover(saved, between, gone);
  expect(recovered.facts.tables).toMatchObject([{ rows: 10 }]);
  await recovered.close();
});

test("a database that was not there at the instant is said not to have been", async () => {
  const saved = await saveBase();
  const early = await instant(address);
  const later = await server.makeDatabase(`later${count}`);
  await expect(recover(saved, early, later)).rejects.toThrow(`There was no database later${count} at ${early}.`);
});

test("a role takes a base backup with the right to replicate, and without it says how to get that", async () => {
  const role = `owner${count}`;
  await ask(server.admin, `CREATE ROLE ${role} LOGIN PASSWORD 'own'; ALTER DATABASE relay${count} OWNER TO ${role}`);
  const own = { url: address.url.replace(/\/\/[^@]*@/, `//${role}:own@`) };
  await expect(saveBase(own)).rejects.toThrow(`ALTER ROLE "${role}" REPLICATION`);
  await ask(server.admin, `ALTER ROLE ${role} REPLICATION`);
  const saved = await saveBase(own);
  await write(3);
  const recovered = await recover(saved, await instant(address), own);
  expect(recovered.facts.tables).toMatchObject([{ rows: 3 }]);
  await recovered.close();
});

test("a base backup of a server that is far too large for the storage is not begun", async () => {
  const part = postgresBasePart(address, { walArchive, mostBytes: 1_000_000 });
  await expect(save(part)).rejects.toThrow(/has databases of .* does not fit into one object .*\(walArchive\)/);
});

test("an archive that is not this server's is refused", async () => {
  walArchive = pathToFileURL(join(server.workDir, "elsewhere")).href;
  try {
    await expect(saveBase()).rejects.toThrow("has archived its base backup, but not to the WAL archive that the plan names");
  } finally {
    walArchive = pathToFileURL(server.archive).href;
  }
});

test("a recovery that is killed at any instant leaves nothing that a sweep does not end, and the next one is whole", async () => {
  const { tar, base } = await saveBase();
  await write(30);
  const untilTime = await instant(address);
  await write(30);
  const file = join(server.workDir, "base.tar.gz");
  writeFileSync(file, tar);
  const before = scratchFolders();
  const code = `
    import { recoverPostgres } from "./postgres-recovery.ts";
    console.log("begun");
    const recovered = await recoverPostgres({ readBase: (unpack) => unpack(pieces()), tables: null, ...options });
    await recovered.close();`;
  for (let kill = 0; kill < 4; kill += 1) {
    await killSoon(code, { file, base, address, untilTime, workDir: server.workDir }, 3_000);
    const left = serversUnder(server.workDir);
    await sweepScratch(server.workDir);
    expect(scratchFolders()).toBe(before);
    await expect.poll(() => left.filter(isRunning), { timeout: 10_000, interval: 50 }).toEqual([]);
  }
  const recovered = await recover({ tar, base }, untilTime);
  expect(recovered.facts.tables).toMatchObject([{ rows: 30 }]);
  await recovered.close();
});
