import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { checkKey, isKey, type ObjectStorage, StorageError, type StoredObject, type Written } from "./storage.ts";

const unfinishedFolder = ".unfinished";
const readBytes = 256 * 1024;
const writeBytes = 1024 * 1024;

/** Objects as files of a directory, for this machine's disk or a mounted one. Written aside, synced, and renamed into place. */
export class DirectoryStorage implements ObjectStorage {
  readonly name: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.resolve(root);
    this.name = pathToFileURL(this.#root).href;
  }

  async put(key: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Written> {
    const target = this.#pathOf(key);
    const unfinished = path.join(this.#root, unfinishedFolder, randomUUID());
    const hash = createHash("sha256");
    let bytes = 0;
    let handle: FileHandle | null = null;
    try {
      handle = await this.#ask(async () => {
        await makeFolder(path.dirname(unfinished));
        return await open(unfinished, "wx", 0o600);
      });
      const file = handle;
      for await (const block of inBlocks(source, writeBytes)) {
        signal?.throwIfAborted();
        hash.update(block);
        bytes += block.byteLength;
        await this.#ask(() => file.writeFile(block));
      }
      signal?.throwIfAborted();
      await this.#ask(async () => {
        await file.sync();
        await file.close();
        await makeFolder(path.dirname(target));
        await rename(unfinished, target);
        await syncFolder(path.dirname(target));
      });
      return { bytes, sha256: hash.digest("hex") };
    } catch (error) {
      await handle?.close().catch(() => undefined);
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async get(key: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    if ((await this.find(key)) === null) throw this.#notFound(key);
    return this.#read(key, signal);
  }

  async find(key: string): Promise<StoredObject | null> {
    const file = this.#pathOf(key);
    try {
      const found = await this.#ask(() => stat(file));
      return found.isFile() ? { key, bytes: found.size, modifiedAt: found.mtime } : null;
    } catch (error) {
      if (error instanceof StorageError && error.code === "not-found") return null;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const keys: string[] = [];
    for await (const key of this.#walk(prefix.slice(0, prefix.lastIndexOf("/") + 1))) if (key.startsWith(prefix)) keys.push(key);
    for (const key of keys.sort((a, b) => (a < b ? -1 : 1))) {
      const found = await this.find(key);
      if (found !== null) yield found;
    }
  }

  async remove(key: string): Promise<void> {
    const file = this.#pathOf(key);
    try {
      await this.#ask(async () => {
        await unlink(file);
        await syncFolder(path.dirname(file));
      });
    } catch (error) {
      if (!(error instanceof StorageError && error.code === "not-found")) throw error;
    }
  }

  async removeUnfinished(before: Date): Promise<number> {
    const folder = path.join(this.#root, unfinishedFolder);
    let removed = 0;
    for (const { name } of await this.#entriesOf(folder)) {
      const file = path.join(folder, name);
      const writtenAt = await stat(file).then(
        ({ mtime }) => mtime,
        () => null,
      );
      if (writtenAt === null || writtenAt >= before) continue;
      await this.#ask(() => rm(file, { force: true }));
      removed += 1;
    }
    return removed;
  }

  async *#read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = this.#pathOf(key);
    const handle = await this.#ask(() => open(file, "r"), key);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const buffer = Buffer.allocUnsafeSlow(readBytes);
        const { bytesRead } = await this.#ask(() => handle.read(buffer, 0, readBytes));
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  /** Keys under a folder, in no order; files that put did not make are passed over. */
  async *#walk(folder: string): AsyncGenerator<string> {
    for (const entry of await this.#entriesOf(path.join(this.#root, folder))) {
      const key = `${folder}${entry.name}`;
      if (!isKey(key)) continue;
      if (entry.isDirectory()) yield* this.#walk(`${key}/`);
      else if (entry.isFile()) yield key;
    }
  }

  async #entriesOf(folder: string) {
    try {
      return await this.#ask(() => readdir(folder, { withFileTypes: true }));
    } catch (error) {
      if (error instanceof StorageError && error.code === "not-found") return [];
      throw error;
    }
  }

  #pathOf(key: string): string {
    checkKey(key);
    return path.join(this.#root, key);
  }

  #notFound(key: string): StorageError {
    return new StorageError("not-found", `${this.name} holds no ${key}.`);
  }

  async #ask<Value>(operation: () => Promise<Value>, key = "such object"): Promise<Value> {
    try {
      return await operation();
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOENT" || code === "ENOTDIR")
        throw new StorageError("not-found", `${this.name} holds no ${key}.`, { cause });
      const refusal = refusals[code];
      if (refusal !== undefined) throw new StorageError("refused", `${this.name}: ${refusal}`, { cause });
      throw new StorageError("unavailable", `${this.name} cannot be read or written (${code || (cause as Error).message}).`, {
        cause,
      });
    }
  }
}

const refusals: Record<string, string> = {
  ENOSPC: "The disk is full. Make room, or let go of old backups.",
  EDQUOT: "The quota is used up. Make room, or let go of old backups.",
  EACCES: "Switchyard has no right to it. Give its user the directory.",
  EPERM: "Switchyard has no right to it. Give its user the directory.",
  EROFS: "It is mounted read-only. Mount it for writing.",
  EISDIR: "A folder lies where the file should.",
  EEXIST: "A file lies where a folder should.",
};

/** The same bytes in blocks of one size but the last; each is gone with the next. Few large writes are cheaper than many. */
async function* inBlocks(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  const block = Buffer.allocUnsafeSlow(size);
  let used = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      const taken = rest.subarray(0, size - used);
      block.set(taken, used);
      used += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (used < size) continue;
      yield block;
      used = 0;
    }
  }
  if (used > 0) yield block.subarray(0, used);
}

/** Makes a folder and syncs what lies above it, so that the names are there after a power cut. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) await syncFolder(path.dirname(made));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
