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

  /** The backend for a client's address; undefined when there is none. */
  choose(client: string): Backend | undefined {
    const kept = this.#affinityMs > 0 ? this.#keptFor(client) : undefined;
    const backend = kept ?? this.#backends[this.#next++ % Math.max(1, this.#backends.length)];
    if (backend && this.#affinityMs > 0) this.#keep(client, backend);
    return backend;
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
