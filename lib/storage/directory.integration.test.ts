import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectoryStorage } from "./directory.ts";
import { keysIn, killWriter, readAll, someBytes } from "./test-contract.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "switchyard-storage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a file whose writer is killed with -9 is not visible, and is removed", async () => {
  const storage = new DirectoryStorage(folder);
  await storage.put("former", someBytes(10));
  const begunAt = new Date();

  await killWriter(storage.name, "former");

  expect(await readAll(await storage.get("former"))).toHaveLength(10);
  expect(await keysIn(storage, "")).toEqual(["former"]);
  expect(await readdir(path.join(folder, ".unfinished"))).toHaveLength(1);
  expect(await storage.removeUnfinished(begunAt)).toBe(0);
  expect(await storage.removeUnfinished(new Date(Date.now() + 1000))).toBe(1);
  expect(await readdir(path.join(folder, ".unfinished"))).toEqual([]);
});
