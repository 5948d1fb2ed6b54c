import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { StorageCredentials } from "./settings.ts";
import type { ObjectStorage } from "./storage.ts";

/** Bytes that differ from place to place, in chunks. */
export async function* someBytes(total: number, chunkBytes = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < total; at += chunkBytes) {
    yield Buffer.alloc(Math.min(chunkBytes, total - at), `${at} and on; `);
  }
}

export async function readAll(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function keysIn(storage: ObjectStorage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}

/** Kills a process with -9 while it puts this object; resolves when it is gone. */
export async function killWriter(url: string, key: string, credentials: StorageCredentials | null = null): Promise<void> {
  const program = fileURLToPath(new URL("test-writer.ts", import.meta.url));
  const args = ["--disable-warning=ExperimentalWarning", program, url, key, JSON.stringify(credentials)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const said = await Promise.race([once(child.stdout, "data"), exited]);
  expect(String(said[0])).toContain("60 MB are written");
  child.kill("SIGKILL");
  await exited;
}

/** What every ObjectStorage holds to. `countUnfinished`: how much is there that is not visible. */
export function testStorage(
  name: string,
  start: () => Promise<{ storage: ObjectStorage; countUnfinished: () => Promise<number> }>,
) {
  describe(name, () => {
    let storage: ObjectStorage;
    let countUnfinished: () => Promise<number>;
    beforeAll(async () => {
      ({ storage, countUnfinished } = await start());
    });

    test.each([0, 1, 100_000, 30_000_000])("gives back %d bytes as they were put, and their SHA-256", async (bytes) => {
      const wanted = await readAll(someBytes(bytes));
      const written = await storage.put(`round/trip-${bytes}`, someBytes(bytes));
      expect(written).toEqual({ bytes, sha256: createHash("sha256").update(wanted).digest("hex") });
      expect((await readAll(await storage.get(`round/trip-${bytes}`))).equals(wanted)).toBe(true);
      expect(await storage.find(`round/trip-${bytes}`)).toMatchObject({ key: `round/trip-${bytes}`, bytes });
    });

    test("shows an object only when it is whole", async () => {
      async function* source() {
        yield* someBytes(26_000_000);
        expect(await storage.find("slow/object")).toBeNull();
        yield Buffer.from("last");
      }
      await storage.put("slow/object", source());
      expect(await storage.find("slow/object")).toMatchObject({ bytes: 26_000_004 });
    });

    test("leaves nothing of an object whose source fails, and throws what it threw", async () => {
      async function* source() {
        yield* someBytes(26_000_000);
        throw new Error("pg_dump died");
      }
      await expect(storage.put("failing/object", source())).rejects.toThrow("pg_dump died");
      expect(await storage.find("failing/object")).toBeNull();
      expect(await countUnfinished()).toBe(0);
    });

    test("keeps the former object when the one that follows it fails", async () => {
      await storage.put("kept/object", someBytes(10));
      async function* source() {
        yield* someBytes(26_000_000);
        throw new Error("pg_dump died");
      }
      await expect(storage.put("kept/object", source())).rejects.toThrow("pg_dump died");
      expect(await readAll(await storage.get("kept/object"))).toEqual(await readAll(someBytes(10)));
    });

    test("leaves nothing when the signal ends it, and throws its reason", async () => {
      const stop = new AbortController();
      async function* source() {
        yield* someBytes(26_000_000);
        stop.abort(new Error("cancelled by Ada"));
        yield* someBytes(26_000_000);
      }
      await expect(storage.put("stopped/object", source(), stop.signal)).rejects.toThrow("cancelled by Ada");
      expect(await storage.find("stopped/object")).toBeNull();
      expect(await countUnfinished()).toBe(0);
    });

    test("stops giving when the signal says so, or when nobody reads on", async () => {
      await storage.put("read/partly", someBytes(3_000_000));
      const stop = new AbortController();
      const reading = (async () => {
        for await (const _chunk of await storage.get("read/partly", stop.signal)) stop.abort(new Error("cancelled by Ada"));
      })();
      await expect(reading).rejects.toThrow("cancelled by Ada");
      for await (const _chunk of await storage.get("read/partly")) break;
      expect(await readAll(await storage.get("read/partly"))).toHaveLength(3_000_000);
    });

    test("lists what begins with a prefix, in the order of keys", async () => {
      for (const key of ["list/b/2", "list/a", "list/b/1", "list/b-1", "list/b.txt", "listless"])
        await storage.put(key, someBytes(5));
      const keysOf = (prefix: string) => keysIn(storage, prefix);
      expect(await keysOf("list/")).toEqual(["list/a", "list/b-1", "list/b.txt", "list/b/1", "list/b/2"]);
      expect(await keysOf("list/b/")).toEqual(["list/b/1", "list/b/2"]);
      expect(await keysOf("list/b")).toEqual(["list/b-1", "list/b.txt", "list/b/1", "list/b/2"]);
      expect(await keysOf("nothing/")).toEqual([]);
      expect(await keysOf("")).toContain("listless");
    });

    test("removes an object, also one that is not there", async () => {
      await storage.put("removed/object", someBytes(5));
      await storage.remove("removed/object");
      await storage.remove("removed/object");
      expect(await storage.find("removed/object")).toBeNull();
      await expect(storage.get("removed/object")).rejects.toMatchObject({ code: "not-found" });
    });

    test.each(["", "/a", "a/", "a//b", "../a", "a/../b", ".hidden", "a/.b", "a b", "ä", "a".repeat(901)])(
      "refuses the key %j",
      async (key) => {
        await expect(storage.put(key, someBytes(1))).rejects.toMatchObject({ code: "refused" });
        await expect(storage.get(key)).rejects.toMatchObject({ code: "refused" });
        await expect(storage.remove(key)).rejects.toMatchObject({ code: "refused" });
      },
    );
  });
}
