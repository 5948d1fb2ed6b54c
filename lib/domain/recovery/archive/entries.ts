import { createHash } from "node:crypto";
import { type Extract, extract } from "tar-stream";
import { type ArchiveEntry, readEntryName } from "./form.ts";
import { ArchiveDamaged } from "./sealed-stream.ts";

/** What lies in a plain archive, one entry after another, at the reader's pace. */
export class ArchiveEntries {
  readonly #tar: Extract = extract();
  readonly #entries = this.#tar[Symbol.asyncIterator]();
  readonly #stop = new AbortController();
  readonly #fed: Promise<void>;
  readonly #onBytes: (bytes: number) => void;
  #failure: { cause: unknown } | null = null;
  #current: { meaning: ArchiveEntry; size: number; read: number; chunks: AsyncIterator<Uint8Array> } | null = null;

  constructor(plain: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
    this.#onBytes = onBytes;
    this.#tar.on("error", () => undefined);
    this.#fed = this.#feed(plain);
  }

  /** Why the stream itself broke off, which comes before what its readers made of that. */
  get failure(): { cause: unknown } | null {
    return this.#failure;
  }

  /** The entry that is being read; null at the end of the archive. */
  async peek(): Promise<ArchiveEntry | null> {
    if (this.#current !== null) return this.#current.meaning;
    const next = await this.#take(() => this.#entries.next());
    if (next.done) return null;
    const { name, size = 0, type } = next.value.header;
    const meaning = type === "file" ? readEntryName(name) : null;
    if (meaning === null) throw new ArchiveDamaged(`It holds ${JSON.stringify(name.slice(0, 200))}, which no archive has.`);
    this.#current = { meaning, size, read: 0, chunks: (next.value as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]() };
    return meaning;
  }

  /** The next bytes of the entry that peek named; null at its end, after which peek names the following one. */
  async read(): Promise<Uint8Array | null> {
    const current = this.#current;
    if (current === null) return null;
    const next = await this.#take(() => current.chunks.next());
    if (next.done) {
      if (current.read !== current.size) throw new ArchiveDamaged("It breaks off in the middle of a file.");
      this.#current = null;
      return null;
    }
    current.read += next.value.byteLength;
    this.#onBytes(next.value.byteLength);
    return next.value;
  }

  /** Ends reading, also of the stream beneath. */
  async close(): Promise<void> {
    const closed = new Error("Nobody reads the archive any more.");
    this.#stop.abort(closed);
    this.#tar.destroy(closed);
    await this.#fed;
  }

  async #feed(plain: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of plain) {
        if (this.#stop.signal.aborted) return;
        if (!this.#tar.write(chunk)) await this.#drained();
      }
      this.#tar.end(null);
    } catch (cause) {
      this.#failure = { cause };
      this.#tar.destroy(cause as Error);
    }
  }

  #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => {
      this.#tar.off("drain", done);
      this.#tar.off("close", done);
      resolve();
    };
    this.#tar.on("drain", done);
    this.#tar.on("close", done);
    if (this.#stop.signal.aborted) done();
    return promise;
  }

  async #take<Value>(next: () => Promise<Value>): Promise<Value> {
    try {
      return await next();
    } catch (cause) {
      if (this.#failure) throw this.#failure.cause;
      throw new ArchiveDamaged(`It is no archive of Switchyard (${(cause as Error).message}).`, { cause });
    }
  }
}

export type FileSum = { part: string; name: string; bytes: number; sha256: string };

/** One file out of its pieces. It can be read in part or not at all: finish reads what is left. */
export class FileContent implements AsyncIterable<Uint8Array> {
  readonly #entries: ArchiveEntries;
  readonly #part: string;
  readonly #name: string;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #piece = 0;
  #state: "reading" | "whole" | "failed" = "reading";

  constructor(entries: ArchiveEntries, part: string, name: string) {
    this.#entries = entries;
    this.#part = part;
    this.#name = name;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk !== null; chunk = await this.#next()) yield chunk;
    if (this.#state === "failed")
      throw new ArchiveDamaged(`The part ${this.#part} could not be saved wholly; its backup says why.`);
  }

  async finish(): Promise<FileSum> {
    while ((await this.#next()) !== null);
    return { part: this.#part, name: this.#name, bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  async #next(): Promise<Uint8Array | null> {
    while (this.#state === "reading") {
      const entry = await this.#entries.peek();
      if (entry?.kind !== "piece" || entry.part !== this.#part || entry.file !== this.#name) {
        this.#state = entry?.kind === "failed" && entry.part === this.#part ? "failed" : "whole";
        return null;
      }
      if (entry.piece !== this.#piece)
        throw new ArchiveDamaged(`Piece ${this.#piece} of ${this.#part}/${this.#name} is missing.`);
      const chunk = await this.#entries.read();
      if (chunk === null) this.#piece += 1;
      else {
        this.#hash.update(chunk);
        this.#bytes += chunk.byteLength;
        return chunk;
      }
    }
    return null;
  }
}
