import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HubPool, type HubPoolOptions, type PooledClient } from "#lib/protocol/hub-pool.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class FakeClient implements PooledClient {
  isConnected = false;
  isStopped = false;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  start(): void {}

  async stop(): Promise<void> {
    this.isStopped = true;
    this.isConnected = false;
  }

  request(): never {
    throw new Error("not in these tests");
  }

  setConnected(isConnected: boolean): void {
    this.isConnected = isConnected;
    this.#onChange();
  }
}

/** A pool on a clock of its own; connections are there at once unless `connects` is false. */
function createPool(options: Partial<HubPoolOptions<FakeClient>> = {}, connects = true) {
  const clock = { ms: 0 };
  const made: FakeClient[] = [];
  const pool = new HubPool<FakeClient>({
    now: () => clock.ms,
    create: (onChange) => {
      const client = new FakeClient(onChange);
      made.push(client);
      if (connects) queueMicrotask(() => client.setConnected(true));
      return client;
    },
    ...options,
  });
  pool.start();
  const pass = async (ms: number) => {
    clock.ms += ms;
    pool.review();
    await Promise.resolve();
  };
  const acquire = (count: number) => Promise.all(Array.from({ length: count }, () => pool.acquire()));
  return { pool, made, pass, acquire };
}

test("ten connections are kept ready, and up to a hundred are made as they are needed", async () => {
  const { pool, acquire } = createPool();
  expect(pool.size).toBe(10);
  const clients = await acquire(100);
  expect(new Set(clients).size).toBe(100);
  expect([pool.size, pool.inUse]).toEqual([100, 100]);
});

test("when all are in use a caller waits, first come, first served, and takes the next one that is given back", async () => {
  const { pool, acquire } = createPool({ min: 0, max: 2 });
  const [first, second] = await acquire(2);
  const order: string[] = [];
  const a = pool.acquire().then((client) => order.push("a") && client);
  const b = pool.acquire().then((client) => order.push("b") && client);
  expect(pool.waiting).toBe(2);
  if (second) pool.release(second);
  if (first) pool.release(first);
  expect(await Promise.all([a, b])).toEqual([second, first]);
  expect(order).toEqual(["a", "b"]);
});

test("a caller that gets none in time is refused, and leaves its place", async () => {
  const { pool, acquire } = createPool({ min: 0, max: 1, acquireTimeoutMs: 700 });
  const [client] = await acquire(1);
  const late = pool.acquire();
  const refused = expect(late).rejects.toMatchObject({ code: "timeout" });
  vi.advanceTimersByTime(700);
  await refused;
  expect(pool.waiting).toBe(0);
  if (client) pool.release(client);
  expect(pool.inUse).toBe(0);
});

test("connections above the least number are closed after 300 s without use, and not before", async () => {
  const { pool, made, pass, acquire } = createPool();
  for (const client of await acquire(15)) pool.release(client);
  await pass(299_999);
  expect(pool.size).toBe(15);
  await pass(1);
  expect(pool.size).toBe(10);
  expect(made.filter(({ isStopped }) => isStopped)).toHaveLength(5);
});

test("a connection of 3,600 s is replaced: at once when it is idle, else when it is given back", async () => {
  const { pool, made, pass, acquire } = createPool({ min: 2 });
  const [used] = await acquire(1);
  await pass(3_599_999);
  expect(made.some(({ isStopped }) => isStopped)).toBe(false);
  await pass(1);
  expect(made.filter(({ isStopped }) => isStopped)).toHaveLength(1);
  expect([pool.size, used?.isStopped]).toEqual([2, false]);
  if (used) pool.release(used);
  expect(used?.isStopped).toBe(true);
  await pass(1);
  expect(pool.size).toBe(2);
  expect(await pool.acquire()).not.toBe(used);
});

test("a client without a connection is not given out until it is back", async () => {
  const { pool, made } = createPool({ min: 1, max: 1 }, false);
  const asked = pool.acquire();
  expect(pool.waiting).toBe(1);
  made[0]?.setConnected(true);
  expect(await asked).toBe(made[0]);
  expect(made).toHaveLength(1);
});

test("a task gives its client back, also when it fails", async () => {
  const { pool } = createPool({ min: 1, max: 1 });
  expect(await pool.use(async () => "done")).toBe("done");
  await expect(pool.use(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(pool.inUse).toBe(0);
});

test("a client that is given back twice is not given out twice", async () => {
  const { pool, acquire } = createPool({ min: 0, max: 1 });
  const [client] = await acquire(1);
  if (client) pool.release(client);
  if (client) pool.release(client);
  await acquire(1);
  const other = pool.acquire();
  expect(pool.waiting).toBe(1);
  await pool.stop();
  await expect(other).rejects.toMatchObject({ code: "shutting_down" });
});
