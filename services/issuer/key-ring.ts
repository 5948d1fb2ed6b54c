import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import type { TokenRequest } from "#lib/protocol/relay-token-request.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { createKey, planRotation, publicKeySet, type SigningKey, signingKey, signingKeySchema, signToken } from "./keys.ts";

/** The issuer's keys, rotated by interval, and kept in keys.json of a directory if there is one. For one process only. */
export class KeyRing {
  readonly #rotateMs: number;
  readonly #directory: string | undefined;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #loop: Loop;
  #keys: SigningKey[] = [];

  constructor(options: { rotateSeconds: number; directory?: string; logger: Logger; now?: () => number }) {
    this.#rotateMs = options.rotateSeconds * 1000;
    this.#directory = options.directory;
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#loop = new Loop({ name: "rotation", intervalMs: 1000, logger: options.logger, pass: () => this.rotate() });
  }

  get count(): number {
    return this.#keys.length;
  }

  async start(): Promise<void> {
    this.#keys = await this.#read();
    await this.rotate();
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  keySet(): JSONWebKeySet {
    return publicKeySet(this.#keys);
  }

  sign(request: TokenRequest): Promise<{ token: string; ttlSeconds: number }> {
    const now = this.#now();
    const key = signingKey(this.#keys, this.#rotateMs, now);
    if (!key) throw new Error("there is no key to sign with");
    return signToken(key, request, now);
  }

  /** One pass of rotation. A key is on disk before it is published. */
  async rotate(): Promise<void> {
    const { needsNew, keep } = planRotation(this.#keys, this.#rotateMs, this.#now());
    if (!needsNew && keep.length === this.#keys.length) return;
    const keys = needsNew ? [...keep, await createKey(this.#now())] : keep;
    await this.#write(keys);
    this.#keys = keys;
    this.#logger.info({ keys: keys.map(({ kid }) => kid) }, "the keys have changed");
  }

  async #read(): Promise<SigningKey[]> {
    if (!this.#directory) return [];
    try {
      return z.array(signingKeySchema).parse(JSON.parse(await readFile(join(this.#directory, "keys.json"), "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
  }

  async #write(keys: SigningKey[]): Promise<void> {
    if (!this.#directory) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = join(this.#directory, "keys.json");
    await writeFile(`${path}.new`, JSON.stringify(keys), { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
  }
}
