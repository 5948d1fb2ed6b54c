import type { Backend } from "./backends.ts";

const maxClients = 10_000;

/** Chooses a backend for each new connection: in turn, or the client's last one while its affinity lasts. */
export class Balancer {
  readonly #nowMs: () => number;
  readonly #clients = new Map<string, { backend: string; atMs: number }>();
  #backends: Backend[] = [];
  #affinityMs = 0;
  #next = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  update(backends: Backend[], affinitySeconds: number): void {
    this.#backends = backends;
    this.#affinityMs = affinitySeconds * 1000;
    if (affinitySeconds === 0) this.#clients.clear();
  }

  /** The backend for a client's address, none of those that were tried; undefined when there is none left. */
  choose(client: string, tried: readonly Backend[] = []): Backend | undefined {
    const isLeft = (backend: Backend | undefined) => backend && !tried.some((other) => keyOf(other) === keyOf(backend));
    const kept = this.#affinityMs > 0 ? this.#keptFor(client) : undefined;
    const backend = isLeft(kept) ? kept : this.#nextOf(tried.length === 0 ? this.#backends : this.#backends.filter(isLeft));
    if (backend && this.#affinityMs > 0) this.#keep(client, backend);
    return backend;
  }

  #nextOf(backends: Backend[]): Backend | undefined {
    return backends[this.#next++ % Math.max(1, backends.length)];
  }

  #keptFor(client: string): Backend | undefined {
    const known = this.#clients.get(client);
    if (!known || this.#nowMs() - known.atMs > this.#affinityMs) return undefined;
    return this.#backends.find((backend) => keyOf(backend) === known.backend);
  }

  #keep(client: string, backend: Backend): void {
    this.#clients.delete(client);
    this.#clients.set(client, { backend: keyOf(backend), atMs: this.#nowMs() });
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > maxClients && oldest !== undefined) this.#clients.delete(oldest);
  }
}

function keyOf({ host, port }: Backend): string {
  return `${host}:${port}`;
}
