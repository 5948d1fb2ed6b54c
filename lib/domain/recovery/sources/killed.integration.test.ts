import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sweepScratch } from "#lib/programs/scratch.ts";
import { startScratchRedis } from "#lib/programs/scratch-redis.ts";
import { postgresPart } from "./postgres.ts";
import { comparePostgres } from "./postgres-comparison.ts";
import { postgresFactsSchema } from "./postgres-facts.ts";
import { restorePostgres, undoSwap } from "./postgres-restore.ts";
import { redisPart } from "./redis.ts";
import { compareRedis } from "./redis-comparison.ts";
import { redisFactsSchema } from "./redis-facts.ts";
import { restoreRedis } from "./redis-restore.ts";
import { killSoon } from "./test-killed.ts";
import { ask, pieces, save, startTestServer, type TestServer } from "./test-postgres.ts";

const kills = 6;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

const failures = (checks: { passed: boolean }[]) => checks.filter(({ passed }) => !passed);

test("a restore of a database that is killed at any instant leaves the one or the other, and the next try ends it", async () => {
  const address = await server.makeDatabase("relay");
  await ask(
    address,
    "CREATE TABLE operations (id bigserial PRIMARY KEY, body text); INSERT INTO operations (body) SELECT md5(n::text) FROM generate_series(1, 60000) n",
  );
  const { content, facts: json } = await save(postgresPart(address, { tables: null }));
  const facts = postgresFactsSchema.parse(json);
  const file = join(server.workDir, "relay.dump");
  writeFileSync(file, content);
  await ask(address, "INSERT INTO operations (body) VALUES ('after the backup')");
  const code = `
    import { restorePostgres } from "./postgres-restore.ts";
    console.log("begun");
    await restorePostgres({ dump: pieces(), tables: null, ...options });`;
  for (let kill = 0; kill < kills; kill += 1) {
    const isEnded = await killSoon(code, { file, facts, address, tag: "killed" }, 1_500);
    const [row] = await ask(address, "SELECT count(*)::int AS count FROM operations");
    expect([60_000, 60_001]).toContain(row?.count);
    if (isEnded) expect(row?.count).toBe(60_000);
    await undoSwap(address, "killed");
  }
  await restorePostgres({ dump: pieces(content), facts, address, tables: null, tag: "killed" });
  expect(failures(await comparePostgres(address, facts))).toEqual([]);
  const names = (await ask(server.admin, "SELECT datname FROM pg_database")).map(({ datname }) => String(datname));
  expect(names.filter((name) => name.startsWith("relay_"))).toHaveLength(1);
});

test("a restore of a Redis that is killed at any instant leaves the one or the other, and the next try ends it", async () => {
  const scratch = await startScratchRedis({ workDir: server.workDir });
  const redis = new Redis(scratch.url);
  try {
    await redis.call("REPLICAOF", "NO", "ONE");
    const filling = redis.pipeline();
    for (let n = 0; n < 20_000; n += 1) filling.set(`key:${n}`, `value ${n}`);
    await filling.exec();
    const { content, facts: json } = await save(redisPart(scratch, server.workDir));
    const facts = redisFactsSchema.parse(json);
    const file = join(server.workDir, "dump.rdb");
    writeFileSync(file, content);
    await redis.set("after", "the backup");
    const code = `
      import { restoreRedis } from "./redis-restore.ts";
      console.log("begun");
      await restoreRedis({ rdb: pieces(), ...options });`;
    for (let kill = 0; kill < kills; kill += 1) {
      await killSoon(code, { file, facts, address: { url: scratch.url }, workDir: server.workDir }, 900);
      expect([20_000, 20_001]).toContain(await redis.dbsize());
    }
    await restoreRedis({ rdb: pieces(content), facts, address: scratch, workDir: server.workDir });
    expect(failures(await compareRedis(scratch, facts))).toEqual([]);
    await sweepScratch(server.workDir);
    // The two servers of this test.
    expect(readdirSync(server.workDir).filter((name) => name.startsWith("scratch-"))).toHaveLength(2);
  } finally {
    redis.disconnect();
    await scratch.stop();
  }
});
