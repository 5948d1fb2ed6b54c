import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import type { KubeObject } from "../api.ts";
import { Store } from "./store.ts";

const id = { group: "", resource: "configmaps" };
const logger = createLogger("test", "silent");
let directory: string;
let store: Store | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-store-"));
});

afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function open(compactAfterBytes?: number): Promise<Store> {
  await store?.close();
  const opened = await Store.open({
    directory,
    logger,
    compactAfterBytes,
    onFailure: (error) => {
      throw error;
    },
  });
  store = opened;
  return opened;
}

function configMap(name: string, value: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", uid: name, resourceVersion: "", creationTimestamp: "" },
    data: { value },
  };
}

const valueIn = (opened: Store, name: string) => (opened.get(id, "default", name)?.data as { value: string } | undefined)?.value;

async function lastSegment(): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.startsWith("log-")).sort();
  return join(directory, names.at(-1) ?? "");
}

describe("the store", () => {
  it("has everything again after it is opened a second time, in order and without the removed", async () => {
    const first = await open();
    await Promise.all(["b", "a", "c"].map((name) => first.put(id, configMap(name, name)).durable));
    const [gone] = first.list(id);
    if (gone) await first.remove(id, gone).durable;
    const second = await open();
    expect(second.list(id).map(({ metadata }) => metadata.name)).toEqual(["b", "c"]);
    expect(valueIn(second, "b")).toBe("b");
  });

  it("tells of a change only when it is durable, and before the writer learns of it", async () => {
    const opened = await open();
    const told: string[] = [];
    opened.subscribe(({ object }) => told.push(object.metadata.name));
    const { durable } = opened.put(id, configMap("a", "1"));
    expect(told).toEqual([]);
    await durable;
    expect(told).toEqual(["a"]);
    expect(await readFile(await lastSegment(), "utf8")).toContain('"name":"a"');
  });

  it("cuts a torn last record off and goes on", async () => {
    const first = await open();
    await first.put(id, configMap("kept", "1")).durable;
    await first.put(id, configMap("torn", "1")).durable;
    await first.close();
    store = undefined;
    const segment = await lastSegment();
    const { length } = await readFile(segment);
    await truncate(segment, length - 7);
    const second = await open();
    expect(valueIn(second, "kept")).toBe("1");
    expect(valueIn(second, "torn")).toBeUndefined();
    await second.put(id, configMap("later", "1")).durable;
    expect(valueIn(await open(), "later")).toBe("1");
  });

  it("does not start on a log that is damaged before its end", async () => {
    const first = await open();
    await first.put(id, configMap("a", "1")).durable;
    await first.put(id, configMap("b", "1")).durable;
    await first.close();
    store = undefined;
    const segment = await lastSegment();
    const text = await readFile(segment, "utf8");
    await writeFile(segment, text.replace('"value":"1"', '"value":"2"'));
    await expect(open()).rejects.toThrow("is damaged at byte 0");
    await writeFile(segment, text);
    expect(valueIn(await open(), "b")).toBe("1");
  });

  it("compacts the log into a snapshot while writes go on, and loses none of them", async () => {
    const first = await open(4096);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => first.put(id, configMap(`n${index}`, String(round))).durable));
    }
    await first.close();
    store = undefined;
    const files = await readdir(directory);
    expect(files).toContain("snapshot.ndjson");
    expect(files.filter((name) => name.startsWith("log-"))).toHaveLength(1);
    const second = await open();
    expect(second.list(id)).toHaveLength(10);
    expect(second.list(id).every((object) => (object.data as { value: string }).value === "19")).toBe(true);
  });

  it("does not start on a snapshot that is cut short", async () => {
    const first = await open(1);
    await first.put(id, configMap("a", "1")).durable;
    await first.close();
    store = undefined;
    const path = join(directory, "snapshot.ndjson");
    await truncate(path, (await readFile(path)).length - 3);
    await expect(open()).rejects.toThrow("snapshot.ndjson is damaged");
  });

  it("is opened by one process at a time", async () => {
    await open();
    await expect(Store.open({ directory, logger, onFailure: () => {} })).rejects.toThrow(
      "another API server uses the data directory",
    );
  });

  it("ignores an empty tail, such as a preallocated block", async () => {
    const first = await open();
    await first.put(id, configMap("a", "1")).durable;
    await first.close();
    store = undefined;
    await appendFile(await lastSegment(), Buffer.alloc(64));
    expect(valueIn(await open(), "a")).toBe("1");
  });
});
