import { ProgramError } from "#lib/programs/program.ts";
import type { Manifest, ManifestPart } from "../archive/manifest.ts";
import type { FileInArchive } from "../archive/open.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { ManifestObject } from "../sources/object-form.ts";
import { objectsFactsSchema, readObjectFile } from "../sources/objects.ts";
import { proveObjects } from "../sources/objects-proof.ts";
import { postgresFactsSchema } from "../sources/postgres-facts.ts";
import { checkDump, provePostgres } from "../sources/postgres-proof.ts";
import { redisFactsSchema } from "../sources/redis-facts.ts";
import { checkRdb, proveRedis } from "../sources/redis-proof.ts";
import type { ProofLevel } from "./schemas.ts";

type Settings = { level: ProofLevel; signal: AbortSignal };
type Content = AsyncIterable<Uint8Array>;

/** What the files of an archive are worth, asked while they are read one after another. */
export class Examination {
  readonly #context: RecoveryContext;
  readonly #settings: Settings;
  readonly #parts: Map<string, ManifestPart>;
  readonly #checks: RecoveryCheck[] = [];
  readonly #objects: ManifestObject[] = [];

  /** The manifest has what is asked again; without one nothing can be. */
  constructor(context: RecoveryContext, manifest: Manifest | null, settings: Settings) {
    this.#context = context;
    this.#settings = settings;
    this.#parts = new Map((manifest?.parts ?? []).filter(({ error }) => error === null).map((part) => [part.name, part]));
  }

  /** For readArchive. Throws what keeps it from being known, never what is wrong with a dump. */
  async examine({ part: name, name: file }: FileInArchive, content: Content): Promise<"read" | "skip"> {
    const part = this.#parts.get(name);
    if (!part) return "skip";
    switch (name) {
      case "postgres":
        return this.#ask(part, () => this.#askPostgres(part, content));
      case "redis":
        return this.#ask(part, () => this.#askRedis(part, content));
      case "objects":
        if (this.#settings.level !== "restored") return "skip";
        this.#objects.push(await readObjectFile(file, content));
        return "read";
      default:
        return "skip";
    }
  }

  /** All checks, with those that need every file. */
  async finish(): Promise<RecoveryCheck[]> {
    const part = this.#parts.get("objects");
    if (part && this.#settings.level === "restored") {
      await this.#ask(part, () => proveObjects(this.#context, this.#objects, objectsFactsSchema.parse(part.facts)));
    }
    return this.#checks;
  }

  #askPostgres({ facts }: ManifestPart, content: Content): Promise<RecoveryCheck[]> {
    const { level, signal } = this.#settings;
    const wanted = postgresFactsSchema.parse(facts);
    const { workDir } = this.#context;
    return level === "restored" ? provePostgres(content, wanted, { workDir, signal }) : checkDump(content, wanted, signal);
  }

  #askRedis({ facts }: ManifestPart, content: Content): Promise<RecoveryCheck[]> {
    const { level, signal } = this.#settings;
    const wanted = redisFactsSchema.parse(facts);
    const { workDir } = this.#context;
    return level === "restored" ? proveRedis(content, wanted, { workDir, signal }) : checkRdb(content, wanted, { signal });
  }

  async #ask({ title }: ManifestPart, ask: () => Promise<RecoveryCheck[]>): Promise<"read"> {
    const wanted = this.#settings.level === "restored" ? "can be restored" : "can be read";
    try {
      this.#checks.push(...(await ask()));
    } catch (error) {
      // A program that was started and refused what it got speaks of the dump; one that was not there says nothing.
      if (!(error instanceof ProgramError) || error.exitCode === null) throw error;
      this.#checks.push({ name: title, wanted, found: error.message, passed: false });
    }
    return "read";
  }
}
