import { expect, test } from "vitest";
import { generateKey, parseKeyring } from "../archive/keyring.ts";
import { examplePart, packExample, pseudoRandomBytes } from "../archive/test-archives.ts";
import { keepRoom } from "./room.ts";

const keyring = await parseKeyring(await generateKey());
const mebibyte = 1024 * 1024;
const bytes = (mebibytes: number) => () => pseudoRandomBytes(mebibytes * mebibyte, 7);

/** A dump, a base backup and objects of these sizes, in an object of 10 MiB at most. */
async function save({ dump, base }: { dump: number; base: number }) {
  const parts = [
    examplePart("postgres", { "relay.dump": bytes(dump) }),
    examplePart("postgres-base", { "base.tar.gz": bytes(base) }),
    examplePart("objects", { "deployment/relay.yaml": "kind: Deployment\n" }),
  ];
  const mostBytes = 10 * mebibyte;
  const { sealed, manifest } = await packExample(keepRoom(parts, { name: "s3://backups", mostBytes }), keyring);
  expect(sealed.length).toBeLessThanOrEqual(mostBytes);
  return manifest.parts;
}

test("a base backup that does not fit beside the dump fails alone, and the archive still fits", async () => {
  const parts = await save({ dump: 4, base: 20 });
  expect(parts.map(({ name, error }) => [name, error === null])).toEqual([
    ["postgres", true],
    ["objects", true],
    ["postgres-base", false],
  ]);
  expect(parts.at(-1)?.error).toMatch(
    /does not fit beside the dump into one object of s3:\/\/backups, which holds 10 MiB.*walArchive/,
  );
});

test("one that fits is there", async () => {
  const parts = await save({ dump: 4, base: 5 });
  expect(parts.map(({ error }) => error)).toEqual([null, null, null]);
});
