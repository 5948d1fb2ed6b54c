import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { generateKey, parseKeyring } from "./keyring.ts";
import { findSealingKey, readArchive, reseal } from "./open.ts";
import { bytesOf, examplePart, packExample, pseudoRandomBytes, streamOf } from "./test-archives.ts";

const [oldKey, newKey] = await Promise.all([generateKey(), generateKey()]);
const [before, during, after] = await Promise.all([
  parseKeyring(oldKey),
  parseKeyring(`${newKey},${oldKey}`),
  parseKeyring(newKey),
]);

describe("the rotation of keys", () => {
  test("seals with the first key, and opens with all", async () => {
    const parts = [examplePart("redis", { "dump.rdb": "keys" })];
    const { sealed: sealedBefore } = await packExample(parts, before);
    const { sealed: sealedDuring, manifest } = await packExample(parts, during);

    expect(during.keyId).toBe(after.keyId);
    expect(during.keyIds).toEqual([after.keyId, before.keyId]);
    await expect(readArchive({ content: streamOf(sealedBefore), keyring: during })).resolves.toEqual(manifest);
    await expect(readArchive({ content: streamOf(sealedDuring), keyring: after })).resolves.toEqual(manifest);
    await expect(readArchive({ content: streamOf(sealedDuring), keyring: before })).rejects.toThrow("None of the keys opens it");
  });

  test("brings an old archive to the present key without changing what it holds", async () => {
    const content = await bytesOf(pseudoRandomBytes(3_000_000, 11));
    const { sealed, manifest } = await packExample([examplePart("postgres", { "relay.dump": content })], before);

    const resealed = await bytesOf(reseal(streamOf(sealed), during));

    await expect(readArchive({ content: streamOf(resealed), keyring: after })).resolves.toEqual(manifest);
    await expect(readArchive({ content: streamOf(resealed), keyring: before })).rejects.toThrow("None of the keys opens it");
    expect((await bytesOf(after.open(streamOf(resealed)))).equals(await bytesOf(before.open(streamOf(sealed))))).toBe(true);
  });

  test("finds out from an archive's beginning which of the keys opens it", async () => {
    const { sealed } = await packExample([examplePart("postgres", { "relay.dump": new Uint8Array(300_000) })], before);
    const beginning = () => streamOf(sealed.subarray(0, 1_000));
    expect(await findSealingKey(beginning(), during)).toBe(before.keyId);
    expect(await findSealingKey(beginning(), before)).toBe(before.keyId);
    expect(await findSealingKey(beginning(), after)).toBeNull();
    await expect(findSealingKey(streamOf(Buffer.from("no archive at all")), after)).rejects.toThrow("It was cut");
    const away = new Error("the storage does not answer");
    // biome-ignore lint/correctness/useYield: it fails before it gives anything
    async function* failing(): AsyncGenerator<Uint8Array> {
      throw away;
    }
    await expect(findSealingKey(failing(), during)).rejects.toBe(away);
    await expect(readArchive({ content: streamOf(sealed), keyring: during.withoutOlder() })).rejects.toThrow("None of the keys");
  });

  test("does not pass on an archive that was damaged", async () => {
    const { sealed } = await packExample([examplePart("postgres", { "relay.dump": new Uint8Array(300_000) })], before);
    sealed[150_000] = (sealed[150_000] ?? 0) ^ 1;
    await expect(bytesOf(reseal(streamOf(sealed), during))).rejects.toThrow("bytes of it were changed");
  });
});

describe("a keyring", () => {
  test("shows no secret half, however it is printed", () => {
    const shown = `${inspect(during, { depth: 10, showHidden: true })}${JSON.stringify(during)}${String(during)}`;
    expect(shown).not.toContain("AGE-SECRET-KEY");
    expect(shown).toContain(during.keyId);
  });

  test.each([
    ["", "Give at least one key"],
    [`${newKey},AGE-SECRET-KEY-1QQQ`, "Key 2 of the keys for backups is no AGE-SECRET-KEY-1..."],
    [before.keyId, "Key 1 of the keys for backups"],
  ])("that is given wrongly is refused without repeating it", async (text, message) => {
    const error: unknown = await parseKeyring(text).catch((caught: unknown) => caught);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain("1QQQ");
  });
});
