import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { mostS3Bytes, type S3Settings, s3PartBytes, storageName } from "./settings.ts";
import { checkKey, isKey, type ObjectStorage, StorageError, type StoredObject, type Written } from "./storage.ts";

const partsAtOnce = 2;
const mostBrokenReads = 5;

/** Objects of an S3-compatible store. Every part is sent with its SHA-256; nothing is visible before the upload is completed. */
export class S3Storage implements ObjectStorage {
  readonly name: string;
  readonly mostBytes = mostS3Bytes;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(settings: S3Settings) {
    const { bucket, prefix, endpoint, region, credentials } = settings;
    this.name = storageName(settings);
    this.#bucket = bucket;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
    this.#client = new S3Client({
      region,
      ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === null ? {} : { credentials }),
      requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
    });
  }

  async put(key: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Written> {
    const hash = createHash("sha256");
    let bytes = 0;
    let failure: { cause: unknown } | null = null;
    const { name } = this;
    // The signal ends the source, not the upload: then the upload takes back its parts before it rejects.
    async function* watched() {
      try {
        for await (const chunk of source) {
          signal?.throwIfAborted();
          hash.update(chunk);
          bytes += chunk.byteLength;
          if (bytes > mostS3Bytes)
            throw new StorageError("refused", `${name}: An object there holds 117 GiB at most. Save less in one.`);
          yield chunk;
        }
        signal?.throwIfAborted();
      } catch (cause) {
        failure = { cause };
        throw cause;
      }
    }
    try {
      const upload = new Upload({
        client: this.#client,
        params: { ...this.#at(key), Body: Readable.from(watched()), ChecksumAlgorithm: "SHA256" },
        partSize: s3PartBytes,
        queueSize: partsAtOnce,
      });
      await upload.done();
      return { bytes, sha256: hash.digest("hex") };
    } catch (error) {
      if (failure !== null) throw (failure as { cause: unknown }).cause;
      throw this.#toStorageError(error);
    }
  }

  async get(key: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const found = await this.#head(key);
    if (found === null) throw new StorageError("not-found", `${this.name} holds no ${key}.`);
    return this.#read(key, found, signal);
  }

  async find(key: string): Promise<StoredObject | null> {
    return (await this.#head(key))?.object ?? null;
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: `${this.#prefix}${prefix}` });
    const iterator = pages[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#ask(() => iterator.next());
      if (page.done) return;
      for (const { Key = "", Size = 0, LastModified } of page.value.Contents ?? []) {
        const key = Key.slice(this.#prefix.length);
        if (isKey(key)) yield { key, bytes: Size, modifiedAt: LastModified ?? new Date(0) };
      }
    }
  }

  async remove(key: string): Promise<void> {
    try {
      await this.#ask(() => this.#client.send(new DeleteObjectCommand(this.#at(key))));
    } catch (error) {
      if (!(error instanceof StorageError && error.code === "not-found")) throw error;
    }
  }

  async removeUnfinished(before: Date): Promise<number> {
    let removed = 0;
    let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const query = { Bucket: this.#bucket, Prefix: this.#prefix, ...from };
      const page = await this.#ask(() => this.#client.send(new ListMultipartUploadsCommand(query)));
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Initiated === undefined || Initiated >= before) continue;
        await this.#ask(() => this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId })));
        removed += 1;
      }
      if (!page.IsTruncated) return removed;
      from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  async #head(key: string): Promise<{ object: StoredObject; tag: string | undefined } | null> {
    try {
      const answer = await this.#ask(() => this.#client.send(new HeadObjectCommand(this.#at(key))));
      const { ContentLength: bytes = 0, LastModified: modifiedAt = new Date(0), ETag: tag } = answer;
      return { object: { key, bytes, modifiedAt }, tag };
    } catch (error) {
      if (error instanceof StorageError && error.code === "not-found") return null;
      throw error;
    }
  }

  /** Goes on where a connection broke, as long as it is the same object and something came in between. */
  async *#read(
    key: string,
    { object, tag }: { object: StoredObject; tag: string | undefined },
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let read = 0;
    let broken = 0;
    while (read < object.bytes) {
      const range = read === 0 ? {} : { Range: `bytes=${read}-` };
      const query = { ...this.#at(key), ...range, IfMatch: tag };
      const answer = await this.#ask(() => this.#client.send(new GetObjectCommand(query), { abortSignal: signal }), signal);
      try {
        for await (const chunk of answer.Body as Readable) {
          signal?.throwIfAborted();
          read += chunk.byteLength;
          broken = 0;
          yield chunk;
        }
        if (read < object.bytes) throw new Error("the connection ended early");
      } catch (error) {
        signal?.throwIfAborted();
        broken += 1;
        if (broken >= mostBrokenReads) throw this.#toStorageError(error);
      }
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  async #ask<Answer>(request: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
    try {
      return await request();
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#toStorageError(error);
    }
  }

  #toStorageError(cause: unknown): StorageError {
    if (cause instanceof StorageError) return cause;
    const { name = "", $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    const fail = (code: StorageError["code"], sentence: string) => new StorageError(code, `${this.name}: ${sentence}`, { cause });
    if (name === "NoSuchBucket") return fail("refused", "There is no such bucket. Make it, or name another one.");
    if (name === "CredentialsProviderError") return fail("refused", "There are no credentials for it. Set the storage's key.");
    if (status === 404) return fail("not-found", "It holds no such object.");
    if (status === 401 || status === 403)
      return fail("refused", `It refuses the key (${name}). Check the key and what it may do.`);
    if (status === 412) return fail("unavailable", "The object was replaced while it was read. Read it again.");
    if (status !== undefined && status < 500 && status !== 429) return fail("refused", `It refuses the request (${name}).`);
    return fail("unavailable", `It does not answer (${status ?? (name || "no connection")}). Try again later.`);
  }
}
