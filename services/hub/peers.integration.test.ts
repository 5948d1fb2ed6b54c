import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { MemoryPeers, type PeerNotice, type PeerRecord, type PeerStore } from "./peers.ts";
import { RedisPeers } from "./redis-peers.ts";
import { startTestRedis } from "./testing/test-redis.ts";

const { redis, stop } = await startTestRedis();
let round = 0;
const opened: RedisPeers[] = [];

afterAll(async () => {
  for (const peers of opened) peers.close();
  await stop();
});

function createRedisPeers(): PeerStore {
  const peers = new RedisPeers(redis, `${++round}:`);
  opened.push(peers);
  return peers;
}

function record(id: string, connection: string, changes: Partial<PeerRecord> = {}): PeerRecord {
  const rest = { address: "127.0.0.1:1", version: "1", since: "2026-01-01T00:00:00.000Z", capacity: 1, running: 0 };
  return { id, connection, role: "connector", tenant: "t", instance: id, hub: "one", ...rest, ...changes };
}

describe.each([
  { name: "in memory", create: (): PeerStore => new MemoryPeers() },
  { name: "in Redis", create: createRedisPeers },
])("the peers $name", ({ create }) => {
  let peers: PeerStore;
  let notices: PeerNotice[];
  beforeEach(() => {
    peers = create();
    notices = [];
    peers.onNotice = (notice) => notices.push(notice);
  });
  const connectionOf = async (id: string) => (await peers.find(id))?.connection;

  test("belong to the connection that claimed them last, and the one before is told", async () => {
    const probe: PeerNotice = { connection: "nobody", cause: "disconnected" };
    await expect.poll(() => peers.notify(probe).then(() => notices.length)).toBeGreaterThan(0);
    await peers.claim(record("a", "first"), 60_000);
    await peers.claim(record("a", "first"), 60_000);
    await peers.claim(record("a", "second"), 60_000);
    await expect
      .poll(() => notices.filter(({ cause }) => cause === "replaced"))
      .toEqual([{ connection: "first", cause: "replaced" }]);
    expect(await connectionOf("a")).toBe("second");
  });

  test("are renewed by who has them, and those whom others have are told so", async () => {
    await peers.claim(record("a", "first"), 60_000);
    await peers.claim(record("a", "second"), 60_000);
    expect(await peers.renew([record("a", "first"), record("b", "lapsed")], 60_000)).toEqual(["first"]);
    expect([await connectionOf("a"), await connectionOf("b")]).toEqual(["second", "lapsed"]);
    expect(await peers.renew([record("a", "second", { running: 3 })], 60_000)).toEqual([]);
    expect((await peers.find("a"))?.running).toBe(3);
  });

  test("are removed by who has them only", async () => {
    await peers.claim(record("a", "second"), 60_000);
    await peers.remove(record("a", "first"));
    expect(await connectionOf("a")).toBe("second");
    await peers.remove(record("a", "second"));
    expect(await connectionOf("a")).toBeUndefined();
  });

  test("are listed in order, page by page, by role and tenant", async () => {
    const wanted = [
      record("1", "1", { role: "client", tenant: "t t" }),
      record("2", "2", { tenant: "t" }),
      record("3", "3", { tenant: "t%" }),
      record("4", "4", { role: "edge" }),
    ];
    for (const one of wanted.toReversed()) await peers.claim(one, 60_000);
    const ids = async (query: Parameters<PeerStore["list"]>[0]) => (await peers.list(query)).peers.map(({ id }) => id).join("");
    expect(await ids({ limit: 10 })).toBe("1234");
    const { next } = await peers.list({ limit: 2 });
    expect(await ids({ limit: 2, after: next })).toBe("34");
    expect(await ids({ limit: 10, role: "connector", tenant: "t" })).toBe("2");
    expect(await ids({ limit: 10, tenant: "t" })).toBe("24");
  });
});
