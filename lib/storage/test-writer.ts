import { openStorage } from "./open-storage.ts";
import { parseStorageUrl, type StorageCredentials } from "./settings.ts";
import { someBytes } from "./test-contract.ts";

/** A writer to be killed: puts an object without end into the storage that its arguments name, and says when much is written. */
const [url = "", key = "", credentials = "null"] = process.argv.slice(2);
const storage = openStorage(parseStorageUrl(url, JSON.parse(credentials) as StorageCredentials | null));

async function* endless() {
  yield* someBytes(60_000_000);
  process.stdout.write("60 MB are written\n");
  for (;;) yield* someBytes(1_000_000);
}
await storage.put(key, endless());
