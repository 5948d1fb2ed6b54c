import type { Prisma } from "#lib/database/client.ts";
import type { Manifest } from "../archive/manifest.ts";
import type { PartSource } from "../archive/pack.ts";
import type { PartProgress } from "./schemas.ts";

/** The progress column of a backup. */
export type StoredProgress = {
  /** How often a process has begun it. */
  attempt: number;
  parts: PartProgress[];
};

/** Reads the column; null is a backup that nobody has begun. */
export function readProgress(column: Prisma.JsonValue): StoredProgress {
  return (column as StoredProgress | null) ?? { attempt: 0, parts: [] };
}

/** How far the parts of a backup are, kept while it is written. */
export class Progress {
  readonly #attempt: number;
  readonly #parts: Map<string, PartProgress>;

  /** Sizes of the subject's last good backup are what is expected of this one. */
  constructor(attempt: number, sources: readonly PartSource[], last: Manifest | null) {
    this.#attempt = attempt;
    const expected = new Map(last?.parts.map((part) => [part.name, sizeOf(part)]));
    this.#parts = new Map(
      sources.map(({ name }) => {
        const totalBytes = expected.get(name) ?? null;
        return [name, { name, state: "waiting", bytes: 0, totalBytes, message: null }];
      }),
    );
  }

  readonly move = (name: string, bytes: number): void => {
    const part = this.#parts.get(name);
    if (part) this.#parts.set(name, { ...part, state: "running", bytes });
  };

  readonly end = (name: string, error: string | null): void => {
    const part = this.#parts.get(name);
    if (part) this.#parts.set(name, { ...part, state: error === null ? "done" : "failed", message: error });
  };

  toStored(): StoredProgress {
    return { attempt: this.#attempt, parts: [...this.#parts.values()] };
  }
}

/** What the files of a part take, before they are packed. */
export function sizeOf({ files }: Manifest["parts"][number]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
