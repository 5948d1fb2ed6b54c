import { createHash } from "node:crypto";

const every = 10;
const remembered = 100;

/**
 * Compares the clients of one document: whoever reaches a revision must have what another had there. Every tenth revision is
 * compared. Pure.
 */
export class Convergence {
  readonly #fingerprints = new Map<number, string>();

  /** A client has reached a revision; `document` gives what it has. Returns whether that is what another had, if one was there. */
  reached(revision: number, document: () => unknown): boolean | undefined {
    if (revision % every !== 0) return undefined;
    const fingerprint = createHash("sha256").update(JSON.stringify(document())).digest("base64");
    const known = this.#fingerprints.get(revision);
    if (known !== undefined) {
      this.#fingerprints.delete(revision);
      return known === fingerprint;
    }
    this.#fingerprints.set(revision, fingerprint);
    for (const oldest of this.#fingerprints.keys()) {
      if (this.#fingerprints.size <= remembered) break;
      this.#fingerprints.delete(oldest);
    }
    return undefined;
  }

  /** A client started again from a snapshot: what was known of later revisions may be of another history. */
  restarted(): void {
    this.#fingerprints.clear();
  }
}
