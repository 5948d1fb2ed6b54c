import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { generateKey, parseKeyring } from "./keyring.ts";
import type { FileInArchive } from "./open.ts";
import { ArchiveDamaged, readArchive } from "./open.ts";
import { type PartSource, packArchive } from "./pack.ts";
import { bytesOf, exampleAbout, exampleNow, examplePart, packExample, pseudoRandomBytes, streamOf } from "./test-archives.ts";

const keyring = await parseKeyring(await generateKey());
const mebibyte = 1024 * 1024;

/** What reading an archive gives, file by file. */
async function unpack(sealed: Uint8Array, wanted: (file: FileInArchive) => boolean = () => true) {
  const files = new Map<string, Buffer>();
  const manifest = await readArchive({
    content: streamOf(sealed),
    keyring,
    onFile: async (file, content) => {
      if (!wanted(file)) return "skip";
      files.set(`${file.part}/${file.name}`, await bytesOf(content));
      return "read";
    },
  });
  return { files, manifest };
}

/** A stream that breaks off after some bytes. */
function breaking(bytes: number, message: string): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield* pseudoRandomBytes(bytes, 1);
    throw new Error(message);
  };
}

describe("an archive", () => {
  test("gives back every byte of every part in their order, and a manifest that says what they are", async () => {
    const dump = await bytesOf(pseudoRandomBytes(20 * mebibyte + 7, 42));
    const { sealed, manifest } = await packExample(
      [
        examplePart("postgres", { "relay.dump": dump }, { facts: { tables: [{ name: "documents", rows: 12 }] } }),
        examplePart("objects", {
          "deployment/relay.yaml": "kind: Deployment\n",
          empty: "",
          [`${"n".repeat(250)}/x`]: "long name",
        }),
      ],
      keyring,
    );

    const read = await unpack(sealed);

    expect([...read.files.keys()]).toEqual([
      "postgres/relay.dump",
      "objects/deployment/relay.yaml",
      "objects/empty",
      `objects/${"n".repeat(250)}/x`,
    ]);
    expect(read.files.get("postgres/relay.dump")?.equals(dump)).toBe(true);
    expect(read.files.get("objects/deployment/relay.yaml")?.toString()).toBe("kind: Deployment\n");
    expect(read.files.get("objects/empty")).toHaveLength(0);
    expect(read.manifest).toEqual(manifest);
    expect(manifest).toMatchObject({ ...exampleAbout, format: "switchyard-backup/1", takenAt: "2026-03-01T10:00:01.000Z" });
    expect(manifest.parts[0]).toEqual({
      name: "postgres",
      title: "The postgres",
      error: null,
      facts: { tables: [{ name: "documents", rows: 12 }] },
      files: [{ name: "relay.dump", bytes: dump.length, sha256: createHash("sha256").update(dump).digest("hex") }],
    });
  });

  test("gives back many files of all sizes that stand close together", async () => {
    const sizes = Array.from({ length: 600 }, (_, n) => (n % 7 === 0 ? mebibyte - 1_200 + n * 4 : (n * 37) % 1_900));
    const files = await Promise.all(sizes.map((bytes, n) => bytesOf(pseudoRandomBytes(bytes, n + 1, 4_096))));
    const named = Object.fromEntries(files.map((content, n) => [`file-${n}`, content]));
    const { sealed } = await packExample([examplePart("objects", named)], keyring);

    const read = await unpack(sealed);

    const changed = files.flatMap((content, n) => (read.files.get(`objects/file-${n}`)?.equals(content) ? [] : [n]));
    expect(changed).toEqual([]);
  });

  test("holds nothing that can be read without its key", async () => {
    const { sealed } = await packExample([examplePart("objects", { "secret.yaml": "password: hunter2 ".repeat(1000) })], keyring);
    expect(sealed.includes("hunter2")).toBe(false);
    expect(sealed.includes("secret.yaml")).toBe(false);
  });

  test("is checked to its end when its files are skipped, or read in part", async () => {
    const bytes = await bytesOf(pseudoRandomBytes(9 * mebibyte, 3));
    const { sealed, manifest } = await packExample([examplePart("redis", { "dump.rdb": bytes, other: "text" })], keyring);

    expect((await unpack(sealed, () => false)).manifest).toEqual(manifest);
    let seen = 0;
    await readArchive({
      content: streamOf(sealed),
      keyring,
      onFile: async (_file, content) => {
        for await (const chunk of content) {
          seen += chunk.byteLength;
          break;
        }
        return "read";
      },
    });
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(bytes.length);
  });

  test("tells how far each part is while it is packed, and how far it was read", async () => {
    const packedBytes = new Map<string, number>();
    const ended: [string, string | null][] = [];
    const { content } = packArchive({
      about: exampleAbout,
      parts: [examplePart("postgres", { a: "12345", b: "678" }), examplePart("redis", { c: breaking(10, "gone") })],
      keyring,
      now: exampleNow,
      onProgress: (part, bytes) => packedBytes.set(part, bytes),
      onPartEnd: (part, error) => ended.push([part, error]),
    });
    const sealed = await bytesOf(content);
    let readBytes = 0;
    await readArchive({ content: streamOf(sealed), keyring, onProgress: (bytes) => (readBytes = bytes) });

    expect([...packedBytes]).toEqual([
      ["postgres", 8],
      ["redis", 10],
    ]);
    expect(ended).toEqual([
      ["postgres", null],
      ["redis", "gone"],
    ]);
    expect(readBytes).toBeGreaterThan(8);
  });
});

describe("a part that fails", () => {
  test("is recorded with its error, and the others are saved", async () => {
    const closed: string[] = [];
    const { sealed, manifest } = await packExample(
      [
        examplePart(
          "postgres",
          { whole: "abc", "relay.dump": breaking(17 * mebibyte, "the server went away") },
          {
            onClose: () => closed.push("postgres"),
          },
        ),
        examplePart("redis", { "dump.rdb": "keys" }, { onClose: () => closed.push("redis") }),
      ],
      keyring,
    );

    expect(manifest.parts).toMatchObject([
      { name: "postgres", error: "the server went away", files: [], facts: null },
      { name: "redis", error: null, files: [{ name: "dump.rdb", bytes: 4 }] },
    ]);
    expect(closed).toEqual(["postgres", "redis"]);
    const { files } = await unpack(sealed, ({ part }) => part === "redis");
    expect(files.get("redis/dump.rdb")?.toString()).toBe("keys");
  });

  test("never passes for a whole one to who reads its file", async () => {
    const { sealed } = await packExample(
      [examplePart("postgres", { "relay.dump": breaking(8 * mebibyte, "gone") }), examplePart("redis", { "dump.rdb": "keys" })],
      keyring,
    );
    await expect(unpack(sealed)).rejects.toThrow("The part postgres could not be saved wholly");
  });

  test.each<[string, PartSource]>([
    ["that cannot be opened", { name: "postgres", title: "P", open: () => Promise.reject(new Error("connection refused")) }],
    ["whose facts cannot be asked", examplePart("postgres", { a: "x" }, { facts: Number.NaN })],
    ["with a file name that leads out of the archive", examplePart("postgres", { "../../etc/passwd": "x" })],
    ["with a file name that could be a piece", examplePart("postgres", { "relay.dump/000001": "x" })],
    ["with a file inside another file", examplePart("postgres", { a: "x", "a/b": "y" })],
  ])("%s spares the others", async (_case, failing) => {
    const { manifest } = await packExample([failing, examplePart("redis", { "dump.rdb": "keys" })], keyring);
    expect(manifest.parts.map(({ error }) => error === null)).toEqual([false, true]);
    expect(manifest.parts[0]?.error).not.toBe("");
  });

  test("leaves no archive when it is the only one", async () => {
    const { content, manifest } = packArchive({
      about: exampleAbout,
      parts: [examplePart("postgres", { "relay.dump": breaking(10, "the server went away") })],
      keyring,
      now: exampleNow,
    });
    await expect(bytesOf(content)).rejects.toThrow("Nothing could be saved. The postgres: the server went away");
    await expect(manifest).rejects.toThrow("Nothing could be saved.");
  });
});

describe("packing that is broken off", () => {
  test("by its signal ends what is read, closes the part and throws the reason", async () => {
    const stop = new AbortController();
    const closed: string[] = [];
    const endless = async function* () {
      for (;;) {
        yield new Uint8Array(mebibyte);
        if (!stop.signal.aborted) stop.abort(new Error("cancelled by Ada"));
      }
    };
    const { content, manifest } = packArchive({
      about: exampleAbout,
      parts: [examplePart("postgres", { "relay.dump": endless }, { onClose: () => closed.push("postgres") })],
      keyring,
      now: exampleNow,
      signal: stop.signal,
    });
    await expect(bytesOf(content)).rejects.toThrow("cancelled by Ada");
    await expect(manifest).rejects.toThrow("cancelled by Ada");
    expect(closed).toEqual(["postgres"]);
  });

  test("by its reader closes the part", async () => {
    const closed: string[] = [];
    const endless = async function* () {
      for (;;) yield new Uint8Array(mebibyte);
    };
    const { content, manifest } = packArchive({
      about: exampleAbout,
      parts: [examplePart("postgres", { "relay.dump": endless }, { onClose: () => closed.push("postgres") })],
      keyring,
      now: exampleNow,
    });
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      if (bytes > 10 * mebibyte) break;
    }
    expect(closed).toEqual(["postgres"]);
    await expect(manifest).rejects.toThrow("not read to its end");
  });
});

describe("reading that breaks off", () => {
  test("throws what the reader of a file threw", async () => {
    const { sealed } = await packExample([examplePart("redis", { "dump.rdb": "keys", b: "b" })], keyring);
    const read = readArchive({
      content: streamOf(sealed),
      keyring,
      onFile: () => Promise.reject(new Error("no room in scratch")),
    });
    await expect(read).rejects.toThrow("no room in scratch");
  });

  test("throws what the storage threw, whatever the reader of a file made of it", async () => {
    const { sealed } = await packExample([examplePart("redis", { "dump.rdb": new Uint8Array(mebibyte) })], keyring);
    async function* failing() {
      yield sealed.subarray(0, mebibyte / 2);
      throw new Error("the storage went away");
    }
    const read = readArchive({
      content: failing(),
      keyring,
      onFile: async (_file, content) => {
        await bytesOf(content).catch(() => Promise.reject(new Error("pg_restore: unexpected end")));
        return "read";
      },
    });
    await expect(read).rejects.toThrow("the storage went away");
  });

  test("throws the signal's reason", async () => {
    const { sealed } = await packExample([examplePart("redis", { "dump.rdb": new Uint8Array(mebibyte) })], keyring);
    const read = readArchive({ content: streamOf(sealed), keyring, signal: AbortSignal.abort(new Error("cancelled by Ada")) });
    await expect(read).rejects.toThrow("cancelled by Ada");
    await expect(read).rejects.not.toBeInstanceOf(ArchiveDamaged);
  });
});
