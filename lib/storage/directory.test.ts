import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectoryStorage } from "./directory.ts";
import { keysIn, someBytes, testStorage } from "./test-contract.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "switchyard-storage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

testStorage("a directory", async () => {
  const root = path.join(folder, "not", "there", "yet");
  return {
    storage: new DirectoryStorage(root),
    countUnfinished: async () => (await readdir(path.join(root, ".unfinished"))).length,
  };
});

test("a directory passes over files of others", async () => {
  const root = path.join(folder, "shared");
  const storage = new DirectoryStorage(root);
  await storage.put("mine", someBytes(5));
  await writeFile(path.join(root, "not mine.txt"), "x");
  await writeFile(path.join(root, ".hidden"), "x");
  expect(await keysIn(storage, "")).toEqual(["mine"]);
});

test("archives can be read by their owner alone", async () => {
  const root = path.join(folder, "modes");
  await new DirectoryStorage(root).put("a/b", someBytes(5));
  expect((await stat(path.join(root, "a", "b"))).mode & 0o777).toBe(0o600);
  expect((await stat(root)).mode & 0o777).toBe(0o700);
});

test("what a killed writer left is removed when nobody has written to it since", async () => {
  const root = path.join(folder, "unfinished");
  const storage = new DirectoryStorage(root);
  expect(await storage.removeUnfinished(new Date())).toBe(0);
  await storage.put("whole", someBytes(5));
  const [old, recent] = ["old", "recent"].map((name) => path.join(root, ".unfinished", name));
  for (const file of [old, recent]) await writeFile(file as string, "part of it");
  await utimes(old as string, new Date(1_000_000), new Date(1_000_000));

  expect(await storage.removeUnfinished(new Date(2_000_000))).toBe(1);

  expect(await readdir(path.join(root, ".unfinished"))).toEqual(["recent"]);
  expect(await storage.find("whole")).not.toBeNull();
});

test("a file where the directory should be is refused with a sentence", async () => {
  await writeFile(path.join(folder, "file"), "x");
  const storage = new DirectoryStorage(path.join(folder, "file"));
  await expect(storage.put("a", someBytes(1))).rejects.toMatchObject({ name: "StorageError" });
  await expect(storage.put("a", someBytes(1))).rejects.toThrow(storage.name);
});
