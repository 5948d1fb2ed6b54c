import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiClient, ApiError, readKubeconfig } from "#services/cluster/api-client.ts";
import { Random } from "./fuzz/random.ts";
import { startTestCluster, type TestCluster } from "./harness.ts";

const seed = Number(process.env.SWITCHYARD_DURABILITY_SEED ?? 7);
const rounds = Number(process.env.SWITCHYARD_DURABILITY_ROUNDS ?? 8);
const writerCount = 8;
const keysOfWriter = 4;
const collection = "/api/v1/namespaces/default/configmaps";

type ConfigMap = { metadata: { name: string; resourceVersion: string; uid: string }; data?: { text: string; sum: string } };
type List = { metadata: { resourceVersion: string }; items: ConfigMap[] };

/** What a key holds: the checksum of its text, or nothing. */
type Content = string | undefined;

/** What the writer of a key knows: the last content that was acknowledged, and what it was writing when it lost the server. */
type Knowledge = { acknowledged: Content; underWay?: { content: Content } };

let cluster: TestCluster;
let client: ApiClient;
const random = new Random(seed);
const known = new Map<string, Knowledge>();
let newestSeen = 0;
let acknowledgedWrites = 0;

beforeAll(async () => {
  cluster = await startTestCluster();
  client = new ApiClient(readKubeconfig(cluster.kubeconfigPath));
});

afterAll(async () => {
  client?.close();
  await cluster?.stop();
});

const sumOf = (text: string) => createHash("sha1").update(text).digest("hex");

function see({ metadata }: { metadata: { resourceVersion: string } }): void {
  newestSeen = Math.max(newestSeen, Number(metadata.resourceVersion));
}

/** One write to a key of its own; false when the server is gone. */
async function write(name: string): Promise<boolean> {
  const before = known.get(name)?.acknowledged;
  const removes = before !== undefined && random.chance(0.15);
  const text = removes
    ? ""
    : random
        .bytes(30)
        .toString("hex")
        .repeat(1 + random.below(2000));
  const content = removes ? undefined : sumOf(text);
  known.set(name, { acknowledged: before, underWay: { content } });
  const json = { metadata: { name }, data: { text, sum: content } };
  try {
    if (removes) await client.send(`${collection}/${name}`, { method: "DELETE", json: {} });
    else if (before === undefined) see(await client.send<ConfigMap>(collection, { method: "POST", json }));
    else see(await client.send<ConfigMap>(`${collection}/${name}`, { method: "PUT", json }));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    return false;
  }
  known.set(name, { acknowledged: content });
  acknowledgedWrites += 1;
  return true;
}

async function writeUntilGone(writer: number): Promise<void> {
  while (await write(`key-${writer}-${random.below(keysOfWriter)}`));
}

/** Follows the collection until the server is gone, and remembers the newest version that it was shown of each object. */
async function watchUntilGone(shown: Map<string, { version: number; content: Content }>): Promise<void> {
  const { metadata } = await client.get<List>(`${collection}?limit=1`);
  const path = `${collection}?watch=true&resourceVersion=${metadata.resourceVersion}`;
  let last = Number(metadata.resourceVersion);
  try {
    for await (const { type, object } of client.watch<ConfigMap>(path, 60_000, new AbortController().signal)) {
      const version = Number(object.metadata.resourceVersion);
      expect(version).toBeGreaterThan(last);
      last = version;
      see(object);
      shown.set(object.metadata.name, { version, content: type === "DELETED" ? undefined : object.data?.sum });
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
  }
}

async function contents(): Promise<Map<string, ConfigMap>> {
  const list = await client.get<List>(collection);
  expect(Number(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(newestSeen);
  see(list);
  return new Map(list.items.map((item) => [item.metadata.name, item]));
}

/** Compares what is there with what the writers know, and lets them go on from there. */
function check(stored: Map<string, ConfigMap>, shown: Map<string, { version: number; content: Content }>): void {
  for (const { metadata, data } of stored.values()) {
    if (!metadata.name.startsWith("key-")) continue;
    expect(sumOf(data?.text ?? ""), `${metadata.name} is whole`).toBe(data?.sum);
    expect(known.has(metadata.name), `${metadata.name} was once written`).toBe(true);
  }
  for (const [name, { acknowledged, underWay }] of known) {
    const actual = stored.get(name)?.data?.sum;
    const allowed = [acknowledged, ...(underWay ? [underWay.content] : [])];
    expect(allowed, `${name} holds what was acknowledged last, or what was being written`).toContain(actual);
    known.set(name, { acknowledged: actual });
  }
  for (const [name, { version, content }] of shown) {
    const object = stored.get(name);
    const isNewer = object !== undefined && Number(object.metadata.resourceVersion) > version;
    const wasReplaced = known.get(name)?.acknowledged !== content;
    if (!isNewer && !wasReplaced) expect(object?.data?.sum, `${name} is what a watcher was shown`).toBe(content);
  }
}

describe(`an API server that is killed at any instant, ${rounds} times under ${writerCount} writers (seed ${seed})`, () => {
  it("has every acknowledged write again, whole, and never counts back", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const shown = new Map<string, { version: number; content: Content }>();
      const watcher = watchUntilGone(shown);
      const writers = Array.from({ length: writerCount }, (_, index) => writeUntilGone(index));
      await new Promise((resolve) => setTimeout(resolve, 30 + random.below(700)));
      await cluster.restart("SIGKILL");
      await Promise.all([...writers, watcher]);
      const newestBefore = newestSeen;
      check(await contents(), shown);
      const probe = await client.send<ConfigMap>(collection, {
        method: "POST",
        json: { metadata: { name: `round-${round}` }, data: {} },
      });
      expect(Number(probe.metadata.resourceVersion)).toBeGreaterThan(newestBefore);
      see(probe);
    }
    expect(acknowledgedWrites).toBeGreaterThan(rounds * 20);
    // The log was compacted while it was written to.
    expect(readdirSync(cluster.dataDir)).toContain("snapshot.ndjson");
  });

  it("shows to a watch of before what it says about itself: 410, and a list that goes on from there", async () => {
    const { metadata } = await client.get<List>(collection);
    await cluster.restart("SIGKILL");
    const path = `${collection}?watch=true&resourceVersion=${metadata.resourceVersion}`;
    const events = [];
    for await (const event of client.watch<ConfigMap>(path, 10_000, new AbortController().signal)) events.push(event);
    expect(events).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
    expect(Number((await client.get<List>(collection)).metadata.resourceVersion)).toBeGreaterThan(
      Number(metadata.resourceVersion),
    );
  });
});
