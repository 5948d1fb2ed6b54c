import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import type { KubeObject } from "../api.ts";
import { encodeObject } from "../store/encoding.ts";
import { Store } from "../store/store.ts";
import { type Selection, sharedFrame, type WatchEvent, WatchHub } from "./hub.ts";

const id = { group: "", resource: "configmaps" };
let directory: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-hub-"));
  const onFailure = (error: unknown) => {
    throw error;
  };
  store = await Store.open({ directory, logger: createLogger("test", "silent"), onFailure });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

function put(name: string, labels: Record<string, string> = {}): Promise<void> {
  const metadata = { name, namespace: "default", uid: name, resourceVersion: "", creationTimestamp: "", labels };
  return store.put(id, { apiVersion: "v1", kind: "ConfigMap", metadata }).durable;
}

function counted(key: string, wanted: (object: KubeObject) => boolean): { select: Selection; asked: () => number } {
  let asked = 0;
  const select: Selection = Object.assign(
    (object: KubeObject) => {
      asked += 1;
      return wanted(object);
    },
    { key },
  );
  return { select, asked: () => asked };
}

describe("the watch hub", () => {
  it("asks a selection once for all watchers that share it, and makes the bytes of an event once", async () => {
    const hub = new WatchHub(store);
    const all = counted("all", () => true);
    const frames: Buffer[] = [];
    const take = (event: WatchEvent) => void frames.push(sharedFrame(event, "v1", encodeObject));
    for (let index = 0; index < 50; index += 1) hub.follow(id, store.revision, all.select, take);
    await put("a");
    expect(frames).toHaveLength(50);
    expect(new Set(frames).size).toBe(1);
    expect(all.asked()).toBe(1);
    await put("a");
    expect(all.asked()).toBe(3);
    expect(frames[99]?.toString()).toMatch(/^\{"type":"MODIFIED","object":\{.*"name":"a".*\}\}\n$/);
  });

  it("sends each watcher only what came after its version, though they share a selection", async () => {
    const hub = new WatchHub(store);
    const start = store.revision;
    const { select } = counted("all", () => true);
    await put("a");
    const seen: string[][] = [[], []];
    const early = hub.follow(id, start, select, ({ object }) => void seen[0]?.push(object.metadata.name));
    const late = hub.follow(id, store.revision, select, ({ object }) => void seen[1]?.push(object.metadata.name));
    expect(early?.backlog.map(({ object }) => object.metadata.name)).toEqual(["a"]);
    expect(late?.backlog).toEqual([]);
    await put("b");
    early?.end();
    await put("c");
    expect(seen).toEqual([["b"], ["b", "c"]]);
    late?.end();
    await put("d");
    expect(seen[1]).toEqual(["b", "c"]);
  });

  it("keeps a longer window while changes come in a burst, and knows from where it can still start", async () => {
    const hub = new WatchHub(store, 10);
    const start = store.revision;
    const { select } = counted("all", () => true);
    for (let index = 0; index < 38; index += 1) await put(`n${index}`);
    expect(hub.follow(id, start, select, () => {})?.backlog).toHaveLength(38);
    for (let index = 0; index < 10; index += 1) await put(`m${index}`);
    expect(hub.follow(id, start, select, () => {})).toBeUndefined();
    const oldest = hub.oldestRevision(id);
    expect(oldest).toBeGreaterThan(start);
    expect(hub.follow(id, oldest, select, () => {})?.backlog.length).toBeGreaterThan(30);
    expect(hub.follow(id, store.revision + 1, select, () => {})).toBeUndefined();
  });

  it("tells how the objects were at a version of its window, in order", async () => {
    const hub = new WatchHub(store, 10);
    const start = store.revision;
    await put("b", { at: "first" });
    await put("d");
    const then = { objects: store.list(id), revision: store.revision };
    await put("b", { at: "second" });
    await put("a");
    await put("c");
    const gone = store.get(id, "default", "d");
    if (gone) await store.remove(id, gone).durable;
    const now = { objects: store.list(id), revision: store.revision };
    expect(hub.rewind(id, now, then.revision)).toEqual(then.objects);
    expect(hub.rewind(id, now, now.revision)).toBe(now.objects);
    expect(hub.rewind(id, now, start)).toEqual([]);
    expect(hub.rewind(id, now, now.revision + 1)).toBeUndefined();
    expect(hub.rewind(id, now, start - 1)).toBeUndefined();
    await put("later");
    expect(hub.rewind(id, now, then.revision)).toEqual(then.objects);
  });

  it("remembers less of large objects, whatever their number", async () => {
    const hub = new WatchHub(store, 100, 4_000);
    const { select } = counted("all", () => true);
    const revisions: number[] = [];
    for (let index = 0; index < 10; index += 1) {
      await put("large", { note: "x".repeat(1_000) });
      await put("large");
      revisions.push(store.revision);
    }
    expect(hub.follow(id, revisions[0] ?? 0, select, () => {})).toBeUndefined();
    const followed = hub.follow(id, revisions[8] ?? 0, select, () => {});
    expect(followed?.backlog.map(({ revision }) => revision)).toEqual([store.revision - 1, store.revision]);
  });
});
