const maxNoted = 10_000;

/** At which resourceVersion objects were removed lately, so that a late event does not bring one back. */
export class Removals {
  readonly #versions = new Map<string, string>();

  note(key: string, resourceVersion: string): void {
    this.#versions.delete(key);
    this.#versions.set(key, resourceVersion);
    if (this.#versions.size <= maxNoted) return;
    const oldest = this.#versions.keys().next();
    if (!oldest.done) this.#versions.delete(oldest.value);
  }

  clear(): void {
    this.#versions.clear();
  }

  find(key: string): string | undefined {
    return this.#versions.get(key);
  }
}
