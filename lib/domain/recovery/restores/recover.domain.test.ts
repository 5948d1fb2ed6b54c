import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { generateKey, parseKeyring } from "../archive/keyring.ts";
import { make } from "../backups/test-backups.ts";
import { documentRows, type RecoveryWorld, startRecoveryWorld } from "../test-recovery.ts";

const run = promisify(execFile);
let world: RecoveryWorld;
let backup: Backup;
let own: Backup;
let key: string;
let work: string;
beforeAll(async () => {
  world = await startRecoveryWorld();
  key = await generateKey();
  world.recovery.keyring = await parseKeyring(key);
  work = await mkdtemp(join(tmpdir(), "switchyard-recover-"));
  backup = await make(world);
  own = await make(world, { subject: "switchyard", contents: { postgres: { address: null }, objects: false } });
});
afterAll(async () => {
  await world?.stop();
  await rm(work, { recursive: true, force: true });
});

/** Runs the program in an environment that names the storage and the keys, and nothing else of Switchyard. */
async function recover(args: string[], env: Record<string, string> = {}) {
  const program = fileURLToPath(new URL("../../../../services/controller/recover.ts", import.meta.url));
  const variables = { SWITCHYARD_BACKUP_STORAGE: `file://${world.folder}`, SWITCHYARD_BACKUP_KEYS: key, ...env };
  const ended = run(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    env: { PATH: process.env.PATH, HOME: work, ...variables } as unknown as NodeJS.ProcessEnv,
  });
  return ended.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
  );
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("npm run recover", () => {
  test("lists what the storage holds without any key, the newest first", async () => {
    const { code, stdout } = await recover(["list"], { SWITCHYARD_BACKUP_KEYS: "" });
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(own.id);
    expect(lines[0]).toMatch(/switchyard: postgres$/);
    expect(lines[1]).toMatch(/fleet\/relay: postgres, objects$/);
    const one = await recover(["list", "fleet/relay"]);
    expect(one.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  test("restores Switchyard's own database into another server's, and asks it what was asked", async () => {
    const { url, drop } = await createTestDatabase();
    try {
      const { code, stdout, stderr } = await recover(["restore", own.id, "--into", url]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [, passed, all] = /(\d+) of (\d+) answers are those of the backup\. It took [\d.]+ s\.\n$/.exec(stdout) ?? [];
      expect(Number(all)).toBeGreaterThan(20);
      expect(passed).toBe(all);
      expect(await ask(url, "SELECT subject, state FROM backups ORDER BY number")).toEqual([
        { subject: "fleet/relay", state: "completed" },
        { subject: "switchyard", state: "running" },
      ]);
    } finally {
      await drop();
    }
  });

  test("makes a database that is not there any more", async () => {
    const { url, drop } = await createTestDatabase();
    await drop();
    const { code, stdout } = await recover(["restore", String(backup.number), "--into", url]);
    expect(stdout).toContain("made anew");
    expect(code).toBe(0);
    expect(await ask(url, "SELECT count(*)::int AS rows FROM documents")).toEqual([{ rows: documentRows }]);
    const server = new URL(url);
    server.pathname = "/postgres";
    await ask(server.href, `DROP DATABASE "${new URL(url).pathname.slice(1)}"`);
  });

  test("unpacks every file for people, readable by nobody else", async () => {
    const folder = join(work, "unpacked");
    const { code, stdout } = await recover(["unpack", backup.id, "--into", folder]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("remove them") });
    expect(await readdir(folder)).toEqual(["objects", "postgres"]);
    const deployment = join(folder, "objects", "deployment", "relay.yaml");
    expect(await readFile(deployment, "utf8")).toContain("kind: Deployment");
    expect((await stat(deployment)).mode & 0o777).toBe(0o600);
  });

  test("changes nothing when the archive is damaged, or the key is another one", async () => {
    const { url, drop } = await createTestDatabase();
    try {
      await ask(url, "CREATE TABLE present (id int)");
      const other = await recover(["restore", backup.id, "--into", url], { SWITCHYARD_BACKUP_KEYS: await generateKey() });
      expect(other.code).toBe(1);
      expect(other.stderr).toMatch(/key/);
      const path = join(world.folder, backup.storageKey ?? "");
      const whole = await readFile(path);
      const damaged = Buffer.from(whole);
      const middle = Math.floor(damaged.length / 2);
      damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle);
      await writeFile(path, damaged);
      const broken = await recover(["restore", backup.id, "--into", url]);
      await writeFile(path, whole);
      expect(broken.code).toBe(1);
      expect(broken.stderr).not.toMatch(/^\s+at /m);
      expect(await ask(url, "SELECT count(*)::int AS rows FROM present")).toEqual([{ rows: 0 }]);
    } finally {
      await drop();
    }
  });

  test("says what it wants", async () => {
    expect((await recover([])).stderr).toMatch(/npm run recover -- list/);
    const unknown = await recover(["restore", "4711", "--into", "postgresql://nobody@127.0.0.1/none"]);
    expect(unknown).toMatchObject({ code: 1, stderr: "The storage has no backup 4711: look at the list.\n" });
    const unset = await recover(["list"], { SWITCHYARD_BACKUP_STORAGE: "" });
    expect(unset.code).toBe(78);
    expect(unset.stderr).toMatch(/^SWITCHYARD_BACKUP_STORAGE: it is not set/);
  });
});
