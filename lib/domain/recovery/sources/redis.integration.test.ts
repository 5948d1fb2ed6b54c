import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { redisPart } from "./redis.ts";
import { compareRedis } from "./redis-comparison.ts";
import { type RedisFacts, redisFactsSchema } from "./redis-facts.ts";
import { checkRdb, proveRedis } from "./redis-proof.ts";
import { restoreRedis } from "./redis-restore.ts";
import { pieces, save } from "./test-postgres.ts";

const password = "p:w@d";

let workDir: string;
const servers: ChildProcess[] = [];

beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), "switchyard-redis-"));
});

afterAll(() => rmSync(workDir, { recursive: true, force: true }));

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
  expect(readdirSync(workDir)).toEqual([]);
});

async function startRedis(...options: string[]): Promise<{ url: string; redis: Redis }> {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", "", "--dir", tmpdir()];
  const server = spawn("redis-server", [...args, "--repl-diskless-sync-delay", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.push(server);
  for await (const line of createInterface({ input: server.stdout })) if (line.includes("Ready to accept")) break;
  server.stdout.resume();
  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/0`;
  return { url, redis: new Redis(url, { retryStrategy: null }).on("error", () => {}) };
}

/** 3,000 keys of all kinds in database 0, of which 500 expire; 2 in database 5. */
async function fill(redis: Redis): Promise<void> {
  const pipeline = redis.pipeline();
  for (let n = 0; n < 2_000; n += 1) pipeline.set(`text:${n}`, `value ${n}`);
  for (let n = 0; n < 500; n += 1) pipeline.set(`session:${n}`, "open", "PX", 3_600_000 + n);
  for (let n = 0; n < 496; n += 1) pipeline.hset(`hash:${n}`, { a: n, b: "x".repeat(100) });
  pipeline.rpush("list", ...Array.from({ length: 3_000 }, (_, n) => `entry ${n}`));
  pipeline.zadd("ranks", 1, "one", 2, "two");
  pipeline.xadd("stream", "*", "field", "value");
  pipeline.set(Buffer.from([0xff, 0x00, 0x80]), Buffer.from([0x00, 0xfe]));
  pipeline.select(5).set("other", "kept").sadd("members", "a", "b").select(0);
  await pipeline.exec();
  await redis.call("FUNCTION", "LOAD", "#!lua name=mine\nredis.register_function('answer', function() return 42 end)");
}

let source: { url: string; redis: Redis };

beforeEach(async () => {
  source = await startRedis();
  await fill(source.redis);
});

async function saved(url = source.url): Promise<{ rdb: Buffer; facts: RedisFacts }> {
  const { content, facts } = await save(redisPart({ url }, workDir));
  return { rdb: content, facts: redisFactsSchema.parse(facts) };
}

const failures = (checks: { passed: boolean }[]) => checks.filter(({ passed }) => !passed);

test("the facts count what the RDB holds by database, and it is proven in a scratch server", async () => {
  const { rdb, facts } = await saved();
  expect(facts).toMatchObject({
    serverVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    databases: [
      { index: 0, keys: 3_000, expiring: 500 },
      { index: 5, keys: 2, expiring: 0 },
    ],
    rdbBytes: rdb.length,
  });
  expect(Math.abs(Date.parse(facts.snapshotAt) - Date.now())).toBeLessThan(10_000);
  expect(failures(await checkRdb(pieces(rdb), facts))).toEqual([]);
  const checks = await proveRedis(pieces(rdb), facts, { workDir });
  expect(failures(checks)).toEqual([]);
  expect(checks).toHaveLength(3);
});

test("the RDB is of one instant while others write", async () => {
  let isWriting = true;
  let written = 0;
  const writing = (async () => {
    while (isWriting) {
      await source.redis.multi().incr("first").incr("second").set(`new:${written}`, "x").exec();
      written += 1;
    }
  })();
  await expect.poll(() => written, { interval: 5 }).toBeGreaterThan(10);
  const { rdb, facts } = await saved();
  isWriting = false;
  await writing;
  expect(failures(await proveRedis(pieces(rdb), facts, { workDir }))).toEqual([]);
  const target = await startRedis();
  await restoreRedis({ rdb: pieces(rdb), facts, address: target, workDir });
  const first = await target.redis.get("first");
  expect(await target.redis.get("second")).toBe(first);
  expect(Number(facts.databases[0]?.keys)).toBe(3_000 + 2 + Number(first));
});

test("keys whose time comes after the backup are counted in the proof, and not brought back", async () => {
  await source.redis.set("short", "lived", "PX", 2_000);
  const { rdb, facts } = await saved();
  expect(facts.databases[0]).toEqual({ index: 0, keys: 3_001, expiring: 501 });
  await expect.poll(() => source.redis.exists("short"), { timeout: 5_000 }).toBe(0);
  expect(failures(await proveRedis(pieces(rdb), facts, { workDir }))).toEqual([]);
  const target = await startRedis();
  expect(await restoreRedis({ rdb: pieces(rdb), facts, address: target, workDir })).toMatchObject({ keys: 3_002, expired: 1 });
  expect(failures(await compareRedis(target, facts))).toEqual([]);
});

test("a byte that was changed or an end that was cut is found", async () => {
  const { rdb, facts } = await saved();
  const flipped = Buffer.from(rdb);
  flipped[rdb.length - 200] = (flipped[rdb.length - 200] ?? 0) ^ 1;
  expect(failures(await checkRdb(pieces(flipped), facts))).toHaveLength(1);
  const [cut] = await checkRdb(pieces(rdb.subarray(0, 5_000)), facts);
  expect(cut).toMatchObject({ passed: false, found: expect.stringContaining("Unexpected EOF") });
  const [loaded] = await proveRedis(pieces(rdb.subarray(0, 5_000)), facts, { workDir });
  expect(loaded).toMatchObject({ name: "Loads into a scratch Redis", passed: false });
});

test("restored in place, a server holds what was saved, every kind and expiry, and nothing else", async () => {
  const { rdb, facts } = await saved();
  const { redis } = source;
  const wantedExpiry = await redis.pexpiretime("session:7");
  const dumps = await redis
    .pipeline([
      ["dump", "list"],
      ["dump", "ranks"],
      ["dump", "stream"],
      // Its fields have no order.
      ["hgetall", "hash:3"],
    ])
    .exec();
  await redis.flushall();
  await redis.multi().set("after", "the backup").select(3).set("after", "too").select(0).exec();
  const progress: number[] = [];
  const restoration = await restoreRedis({
    rdb: pieces(rdb),
    facts,
    address: source,
    workDir,
    onProgress: (keys, total) => progress.push(keys / total),
  });
  expect(restoration).toMatchObject({ how: "swapped", keys: 3_002, expired: 0 });
  expect(progress.at(-1)).toBe(1);
  expect(failures(await compareRedis(source, facts))).toEqual([]);
  expect(await redis.exists("after")).toBe(0);
  expect(await redis.info("keyspace")).not.toContain("db3");
  expect(await redis.pexpiretime("session:7")).toBe(wantedExpiry);
  expect(
    await redis
      .pipeline([
        ["dump", "list"],
        ["dump", "ranks"],
        ["dump", "stream"],
        // Its fields have no order.
        ["hgetall", "hash:3"],
      ])
      .exec(),
  ).toEqual(dumps);
  expect(await redis.getBuffer(Buffer.from([0xff, 0x00, 0x80]))).toEqual(Buffer.from([0x00, 0xfe]));
  expect(await redis.call("FCALL", "answer", 0)).toBe(42);
});

test("until it is whole the present is as it was, and a try after one that was ended goes through", async () => {
  const { rdb, facts } = await saved();
  await source.redis.set("after", "the backup");
  const abort = new AbortController();
  const address = source;
  const ended = restoreRedis({
    rdb: pieces(rdb),
    facts,
    address,
    workDir,
    onProgress: () => abort.abort(new Error("ended in the middle")),
    signal: abort.signal,
  });
  await expect(ended).rejects.toThrow("ended in the middle");
  expect(await source.redis.dbsize()).toBe(3_001);
  expect(await source.redis.get("after")).toBe("the backup");
  expect(await restoreRedis({ rdb: pieces(rdb), facts, address, workDir })).toMatchObject({ how: "swapped" });
  expect(failures(await compareRedis(address, facts))).toEqual([]);
});

test("a server without databases to spare is emptied and filled, and that is said", async () => {
  const { rdb, facts } = await saved();
  const target = await startRedis("--databases", "6");
  for (const index of [1, 2, 3, 4]) await target.redis.multi().select(index).set("own", "x").select(0).exec();
  const restoration = await restoreRedis({ rdb: pieces(rdb), facts, address: target, workDir });
  expect(restoration).toMatchObject({ how: "replaced", message: expect.stringContaining("no databases to spare") });
  expect(failures(await compareRedis(target, facts))).toEqual([]);
  const small = await startRedis("--databases", "2");
  await expect(restoreRedis({ rdb: pieces(rdb), facts, address: small, workDir })).rejects.toThrow("keys in database 5");
});

test("a replica is not written to, and a server that does not answer is named without its password", async () => {
  const { rdb, facts } = await saved();
  const replica = await startRedis("--replicaof", "127.0.0.1 1");
  await expect(restoreRedis({ rdb: pieces(rdb), facts, address: replica, workDir })).rejects.toThrow("is a replica");
  await expect(saved("redis://:hidden@127.0.0.1:1")).rejects.toThrow(/^Redis 127\.0\.0\.1:1 does not answer: (?!.*hidden)/);
  await expect(saved(source.url.replace(encodeURIComponent(password), "wrong"))).rejects.toThrow(/does not answer: WRONGPASS/);
});
