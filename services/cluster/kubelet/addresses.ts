/** The addresses of a node's pods: each pod holds one while it lives, and a freed one is given out as late as possible. */
export class AddressPool {
  readonly #first: number;
  readonly #size: number;
  readonly #holders = new Map<string, number>();
  readonly #taken = new Set<number>();
  #next = 2;

  /** `cidr` is e.g. 127.10.10.0/24; the network's first two addresses and its last are not given out. */
  constructor(cidr: string) {
    const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
    const bits = Number(match?.[2]);
    if (!match?.[1] || bits < 8 || bits > 29) throw new Error(`${cidr} is no network of pod addresses`);
    this.#size = 2 ** (32 - bits);
    this.#first = toNumber(match[1]) - (toNumber(match[1]) % this.#size);
  }

  /** The holder's address; `wanted` when it is free and the pool's own, else the next free one. */
  take(holder: string, wanted?: string): string {
    const held = this.#holders.get(holder);
    if (held !== undefined) return toText(this.#first + held);
    const preferred = wanted === undefined ? -1 : toNumber(wanted) - this.#first;
    const isUsable = preferred >= 2 && preferred < this.#size - 1 && !this.#taken.has(preferred);
    const index = isUsable ? preferred : this.#findFree();
    this.#holders.set(holder, index);
    this.#taken.add(index);
    return toText(this.#first + index);
  }

  release(holder: string): void {
    const index = this.#holders.get(holder);
    if (index === undefined) return;
    this.#holders.delete(holder);
    this.#taken.delete(index);
  }

  #findFree(): number {
    const usable = this.#size - 3;
    for (let step = 0; step < usable; step += 1) {
      const index = 2 + ((this.#next - 2 + step) % usable);
      if (this.#taken.has(index)) continue;
      this.#next = index + 1;
      return index;
    }
    throw new Error("all pod addresses of this node are in use");
  }
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
