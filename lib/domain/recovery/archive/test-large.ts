import { DirectoryStorage } from "#lib/storage/directory.ts";
import { generateKey, parseKeyring } from "./keyring.ts";
import { readArchive } from "./open.ts";
import { packArchive } from "./pack.ts";
import { exampleAbout, exampleNow, examplePart, pseudoRandomBytes } from "./test-archives.ts";

/** Packs and reads back an archive of so many bytes in a process of its own, and says what that took at most. */
const [folder = "", size = "0"] = process.argv.slice(2);
const storage = new DirectoryStorage(folder);
const keyring = await parseKeyring(await generateKey());
const parts = [examplePart("postgres", { "relay.dump": () => pseudoRandomBytes(Number(size), 17) })];

const startedAt = performance.now();
const { content, manifest } = packArchive({ about: exampleAbout, parts, keyring, now: exampleNow });
const written = await storage.put("large", content);
const packedAt = performance.now();
let bytes = 0;
const read = await readArchive({
  content: await storage.get("large"),
  keyring,
  onFile: async (_file, file) => {
    for await (const chunk of file) bytes += chunk.byteLength;
    return "read";
  },
});

process.stdout.write(
  JSON.stringify({
    bytes,
    archiveBytes: written.bytes,
    isSame: JSON.stringify(read) === JSON.stringify(await manifest),
    mostMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    packSeconds: (packedAt - startedAt) / 1000,
    readSeconds: (performance.now() - packedAt) / 1000,
  }),
);
