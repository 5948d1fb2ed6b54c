import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runProgram } from "#lib/programs/program.ts";
import { generateKey, parseKeyring } from "./keyring.ts";
import { readArchive } from "./open.ts";
import { bytesOf, examplePart, packExample, pseudoRandomBytes } from "./test-archives.ts";

// Debian's age and GNU tar: what a person has who has lost Switchyard, but neither the archive nor its key.
let folder: string;
let identity: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "switchyard-by-hand-"));
  identity = await generateKey();
  await writeFile(path.join(folder, "key"), `${identity}\n`, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function shell(command: string) {
  return runProgram({ command: "bash", args: ["-euo", "pipefail", "-c", command], cwd: folder });
}

test("a person opens an archive with age and tar, and puts a file together with cat", async () => {
  const dump = await bytesOf(pseudoRandomBytes(11_000_000, 23));
  const parts = [
    examplePart("postgres", { "relay.dump": dump }),
    examplePart("objects", { "deployment/relay.yaml": "kind: Deployment\n", empty: "" }),
  ];
  const { sealed, manifest } = await packExample(parts, await parseKeyring(identity));
  await writeFile(path.join(folder, "archive"), sealed);

  await shell("mkdir out && age -d -i key archive | tar x -C out");
  await shell("cat out/postgres/relay.dump/* > relay.dump");

  expect((await readFile(path.join(folder, "relay.dump"))).equals(dump)).toBe(true);
  expect(await readFile(path.join(folder, "out/objects/deployment/relay.yaml/000000"), "utf8")).toBe("kind: Deployment\n");
  expect(await readFile(path.join(folder, "out/objects/empty/000000"), "utf8")).toBe("");
  expect(JSON.parse(await readFile(path.join(folder, "out/manifest.json"), "utf8"))).toEqual(manifest);
  const { stdout } = await shell("sha256sum relay.dump");
  expect(stdout).toContain(manifest.parts[0]?.files[0]?.sha256);
});

test("sizes around the borders of what age seals at a time are opened by age as they were", async () => {
  const keyring = await parseKeyring(identity);
  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 131_072]) {
    const plain = await bytesOf(pseudoRandomBytes(bytes, 7));
    await writeFile(path.join(folder, "sealed"), await bytesOf(keyring.seal(pseudoRandomBytes(bytes, 7))));
    await shell("age -d -i key sealed > plain");
    expect((await readFile(path.join(folder, "plain"))).equals(plain), `${bytes} bytes`).toBe(true);

    await shell("rm -f again && age -r $(age-keygen -y key) -o again plain");
    expect((await bytesOf(keyring.open(createReadStream(path.join(folder, "again"))))).equals(plain), `${bytes} bytes`).toBe(
      true,
    );
  }
});

test("an archive that a person made with tar and age is read", async () => {
  const keyring = await parseKeyring(identity);
  const { manifest } = await packExample([examplePart("redis", { "dump.rdb": "keys" })], keyring);
  await mkdir(path.join(folder, "in", "redis", "dump.rdb"), { recursive: true });
  await writeFile(path.join(folder, "in", "redis", "dump.rdb", "000000"), "keys");
  await writeFile(path.join(folder, "in", "manifest.json"), JSON.stringify(manifest));
  const tar = "tar c -C in redis/dump.rdb/000000 manifest.json";
  await shell(`${tar} | age -r $(age-keygen -y key) -o by-hand`);

  const hash = createHash("sha256");
  const read = await readArchive({
    content: createReadStream(path.join(folder, "by-hand")),
    keyring,
    onFile: async (_file, content) => {
      for await (const chunk of content) hash.update(chunk);
      return "read";
    },
  });
  expect(read).toEqual(manifest);
  expect(hash.digest("hex")).toBe(manifest.parts[0]?.files[0]?.sha256);
});
