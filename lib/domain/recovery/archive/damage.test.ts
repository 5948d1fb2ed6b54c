import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { generateKey, parseKeyring } from "./keyring.ts";
import { ArchiveDamaged, readArchive } from "./open.ts";
import { bytesOf, examplePart, nextRandom, packExample, pseudoRandomBytes, streamOf } from "./test-archives.ts";

const keyring = await parseKeyring(await generateKey());
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const flips = 200;

function read(sealed: Uint8Array) {
  return readArchive({ content: streamOf(sealed), keyring });
}

/** Seals a tar that packArchive would not have written. */
async function sealEntries(entries: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(entries)) tar.entry({ name }, text);
  tar.finalize();
  return bytesOf(keyring.seal(tar as AsyncIterable<Uint8Array>));
}

describe("an archive is known as damaged", () => {
  test(`when one byte of it is another: ${flips} archives, a random byte of each (SEED=${seed})`, async () => {
    let random = seed;
    const below = (limit: number) => {
      random = nextRandom(random);
      return random % limit;
    };
    const unnoticed: { archive: number; at: number }[] = [];
    for (let archive = 0; archive < flips; archive += 1) {
      const content = await bytesOf(pseudoRandomBytes(1 + below(300_000), below(2 ** 31)));
      const { sealed } = await packExample([examplePart("postgres", { "relay.dump": content, list: "tables" })], keyring);
      await read(sealed);
      // Every fourth one in the header, which is short and would be hit by one in a hundred.
      const at = below(archive % 4 === 0 ? 200 : sealed.length);
      sealed[at] = (sealed[at] ?? 0) ^ (1 + below(255));
      const error = await read(sealed).catch((caught: unknown) => caught);
      if (!(error instanceof ArchiveDamaged)) unnoticed.push({ archive, at });
    }
    expect(unnoticed).toEqual([]);
  });

  test("when it is cut anywhere", async () => {
    const content = await bytesOf(pseudoRandomBytes(200_000, 5));
    const { sealed } = await packExample([examplePart("postgres", { "relay.dump": content })], keyring);
    const header = sealed.indexOf("\n---") + 1;
    const chunk = 64 * 1024 + 16;
    const lengths = [0, 1, 100, header, sealed.length - 1, sealed.length - 16, sealed.length - 1024];
    // At the borders of what age seals at a time, a cut leaves a stream that is whole as far as it goes.
    for (let border = sealed.length - (sealed.length % chunk); border > 0; border -= chunk) lengths.push(border);
    for (const length of lengths)
      await expect(read(sealed.subarray(0, length)), `${length} bytes`).rejects.toBeInstanceOf(ArchiveDamaged);
  });

  test("when something was put behind it", async () => {
    const { sealed } = await packExample([examplePart("redis", { "dump.rdb": "keys" })], keyring);
    await expect(read(Buffer.concat([sealed, sealed]))).rejects.toBeInstanceOf(ArchiveDamaged);
  });

  test("when none of the keys opens it, and says so", async () => {
    const { sealed } = await packExample([examplePart("redis", { "dump.rdb": "keys" })], await parseKeyring(await generateKey()));
    await expect(read(sealed)).rejects.toThrow("None of the keys opens it");
  });
});

describe("a tar under the right key is refused", () => {
  const { promise: manifestText, resolve } = Promise.withResolvers<string>();
  void packExample([examplePart("redis", { "dump.rdb": "keys" })], keyring).then(({ manifest }) =>
    resolve(JSON.stringify(manifest)),
  );

  test("unless it is as its manifest says", async () => {
    const manifest = await manifestText;
    await expect(read(await sealEntries({ "redis/dump.rdb/000000": "keys", "manifest.json": manifest }))).resolves.toBeDefined();
    await expect(read(await sealEntries({ "redis/dump.rdb/000000": "kexs", "manifest.json": manifest }))).rejects.toThrow(
      "redis/dump.rdb has another SHA-256 than its manifest",
    );
    await expect(read(await sealEntries({ "redis/dump.rdb/000000": "key", "manifest.json": manifest }))).rejects.toThrow(
      "redis/dump.rdb has 3 bytes instead of 4",
    );
    await expect(read(await sealEntries({ "manifest.json": manifest }))).rejects.toThrow("redis/dump.rdb is missing");
    await expect(
      read(await sealEntries({ "redis/dump.rdb/000000": "keys", "redis/more/000000": "", "manifest.json": manifest })),
    ).rejects.toThrow("redis/more is not in its manifest");
  });

  test("when a piece is missing", async () => {
    const entries = { "redis/dump.rdb/000001": "keys", "manifest.json": await manifestText };
    await expect(read(await sealEntries(entries))).rejects.toThrow("Piece 0 of redis/dump.rdb is missing.");
  });

  test("when it has no manifest, or goes on after it", async () => {
    await expect(read(await sealEntries({ "redis/dump.rdb/000000": "keys" }))).rejects.toThrow("ends without its manifest");
    const entries = { "redis/dump.rdb/000000": "keys", "manifest.json": await manifestText, "redis/x/000000": "" };
    await expect(read(await sealEntries(entries))).rejects.toThrow("goes on after its manifest");
  });

  test("when it is something else", async () => {
    await expect(read(await sealEntries({ "etc/passwd": "root" }))).rejects.toThrow('It holds "etc/passwd"');
    await expect(read(await bytesOf(keyring.seal(streamOf(Buffer.alloc(5000, "no tar")))))).rejects.toBeInstanceOf(
      ArchiveDamaged,
    );
  });
});
