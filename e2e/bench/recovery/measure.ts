import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { libpqEnvironment, type ServerAddress, withDatabase, withServer } from "#lib/database/server-connection.ts";
import type { Keyring } from "#lib/domain/recovery/archive/keyring.ts";
import { readArchive } from "#lib/domain/recovery/archive/open.ts";
import { type PartSource, packArchive } from "#lib/domain/recovery/archive/pack.ts";
import { postgresPart } from "#lib/domain/recovery/sources/postgres.ts";
import { postgresFactsSchema } from "#lib/domain/recovery/sources/postgres-facts.ts";
import { dropFormer, gatherStatistics, restorePostgres } from "#lib/domain/recovery/sources/postgres-restore.ts";
import { findPostgresPrograms } from "#lib/programs/postgres-programs.ts";
import { runProgram } from "#lib/programs/program.ts";
import type { DirectoryStorage } from "#lib/storage/directory.ts";

export type World = { folder: string; storage: DirectoryStorage; keyring: Keyring; identityFile: string; majorVersion: number };

const key = "bench/archive.tar.age";
const tag = "bench";

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return (performance.now() - startedAt) / 1000;
}

async function shell(command: string, folder: string, env: Record<string, string> = {}): Promise<void> {
  await runProgram({ command: "bash", args: ["-euo", "pipefail", "-c", command], cwd: folder, env });
}

async function pack({ storage, keyring }: World, part: PartSource) {
  const about = {
    id: "bench",
    number: 1,
    subject: "bench/relay",
    purpose: "requested",
    reason: "benchmark",
    requestedBy: "bench",
  };
  const { content, manifest } = packArchive({
    about: { ...about, contents: null, startedAt: new Date().toISOString(), versions: [] },
    parts: [part],
    keyring,
    now: () => new Date(),
  });
  const written = await storage.put(key, content);
  return { bytes: written.bytes, manifest: await manifest };
}

async function read({ storage, keyring }: World, onFile?: (content: AsyncIterable<Uint8Array>) => Promise<void>) {
  await readArchive({
    content: await storage.get(key),
    keyring,
    onFile: async (_file, content) => {
      if (!onFile) return "skip";
      await onFile(content);
      return "read";
    },
  });
}

export type DatabaseTimes = {
  dumpGzip: number;
  dumpCustom: number;
  backup: number;
  verify: number;
  create: number;
  plainRestore: number;
  restore: number;
  statistics: number;
  archiveBytes: number;
  gzipBytes: number;
};

/** One round: each of Switchyard's beside PostgreSQL's own programs on the same database. Seconds. */
export async function measureDatabase(world: World, address: ServerAddress): Promise<DatabaseTimes> {
  const { folder, majorVersion } = world;
  const programs = await findPostgresPrograms(majorVersion);
  if (!programs) throw new Error("There is no pg_dump: install postgresql-client.");
  const env = libpqEnvironment(address);
  const dumpGzip = await seconds(() => shell(`${programs.pgDump} | gzip > plain.sql.gz`, folder, env));
  const dumpCustom = await seconds(() => shell(`${programs.pgDump} -Fc > plain.dump`, folder, env));
  let packed: Awaited<ReturnType<typeof pack>> | null = null;
  const backup = await seconds(async () => {
    packed = await pack(world, postgresPart(address, { tables: null }));
  });
  const { bytes: archiveBytes, manifest } = packed as unknown as Awaited<ReturnType<typeof pack>>;
  const facts = postgresFactsSchema.parse(manifest.parts[0]?.facts);
  const verify = await seconds(() => read(world));

  const maintenance = withDatabase(address, "postgres");
  // What was written before is on disk before the next is timed: otherwise that would pay for it.
  const rest = async () => {
    await withServer(maintenance, (client) => client.query("CHECKPOINT"), 120_000);
    await shell("sync", folder);
  };
  const beside = withDatabase(address, "plain_restore");
  await rest();
  const create = await seconds(() =>
    withServer(maintenance, (client) => client.query("CREATE DATABASE plain_restore TEMPLATE template0")),
  );
  const plainRestore = await seconds(() =>
    shell(`${programs.pgRestore} --dbname "$PGDATABASE" plain.dump`, folder, libpqEnvironment(beside)),
  );
  await withServer(maintenance, (client) => client.query("DROP DATABASE plain_restore"), 120_000);
  await rest();
  const restore = await seconds(() =>
    read(world, async (dump) => {
      await restorePostgres({ dump, facts, address, tables: null, tag });
    }),
  );
  const statistics = await seconds(() => gatherStatistics(address));
  await dropFormer(address, tag);
  const gzipBytes = (await stat(join(folder, "plain.sql.gz"))).size;
  return { dumpGzip, dumpCustom, backup, verify, create, plainRestore, restore, statistics, archiveBytes, gzipBytes };
}

export type FileTimes = { tarAge: number; pack: number; ageTar: number; read: number };

/** One round: the archive alone beside tar and age, with a file of so many bytes that cannot be compressed. Seconds. */
export async function measureFile(world: World, megabytes: number): Promise<FileTimes> {
  const { folder, identityFile, keyring } = world;
  await shell(`head -c ${megabytes * 1_000_000} /dev/urandom > big && rm -f big.tar.age`, folder);
  const part: PartSource = {
    name: "file",
    title: "A file",
    open: async () => ({
      files: [{ name: "big", open: () => createReadStream(join(folder, "big"), { highWaterMark: 256 * 1024 }) }],
      facts: async () => null,
      close: async () => undefined,
    }),
  };
  const tarAge = await seconds(() => shell(`tar c big | age -r ${keyring.keyId} > big.tar.age && sync big.tar.age`, folder));
  const packing = await seconds(() => pack(world, part));
  const ageTar = await seconds(() => shell(`age -d -i ${identityFile} big.tar.age | tar xO | sha256sum`, folder));
  const reading = await seconds(() => read(world));
  return { tarAge, pack: packing, ageTar, read: reading };
}
