/** The first addresses of the service range are kept for services that ask for one by number. */
const firstDynamic = 16;
const size = 65_536;

/** Which ClusterIPs are taken, learned from the services themselves. Addresses are handed out in turn. */
export class ClusterIPs {
  readonly #prefix: string;
  readonly #taken = new Set<number>();
  #next = firstDynamic;

  /** `prefix` is the first two octets of the range, e.g. "127.11". */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The range as CIDR. */
  get range(): string {
    return `${this.#prefix}.0.0/16`;
  }

  take(address: string): boolean {
    const index = this.#indexOf(address);
    if (index === undefined || this.#taken.has(index)) return false;
    this.#taken.add(index);
    return true;
  }

  free(address: string): void {
    const index = this.#indexOf(address);
    if (index !== undefined) this.#taken.delete(index);
  }

  includes(address: string): boolean {
    return this.#indexOf(address) !== undefined;
  }

  isTaken(address: string): boolean {
    const index = this.#indexOf(address);
    return index !== undefined && this.#taken.has(index);
  }

  takeNext(): string | undefined {
    for (let tries = 0; tries < size; tries += 1) {
      const index = this.#next;
      this.#next = index + 1 >= size - 1 ? firstDynamic : index + 1;
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      return `${this.#prefix}.${index >> 8}.${index & 255}`;
    }
    return undefined;
  }

  #indexOf(address: string): number | undefined {
    if (!address.startsWith(`${this.#prefix}.`)) return undefined;
    const match = /^(\d{1,3})\.(\d{1,3})$/.exec(address.slice(this.#prefix.length + 1));
    const high = Number(match?.[1]);
    const low = Number(match?.[2]);
    const index = high * 256 + low;
    return high <= 255 && low <= 255 && index > 0 && index < size - 1 ? index : undefined;
  }
}
