import { HubClient, type HubClientOptions } from "#lib/protocol/hub-client.ts";
import { HubError } from "#lib/protocol/hub-messages.ts";

/** What the pool needs of a client. */
export type PooledClient = Pick<HubClient, "start" | "stop" | "isConnected" | "request">;

export type HubPoolOptions<C extends PooledClient = HubClient> = {
  /** Connections that are kept when nobody uses them; 10 by default. */
  min?: number;
  /** Connections at most, in use or not; 100 by default. */
  max?: number;
  /** A connection above `min` that was not used for so long is closed, in milliseconds; 300,000 by default. */
  idleMs?: number;
  /** A connection that is older is replaced once it is not in use, in milliseconds; 3,600,000 by default. */
  lifetimeMs?: number;
  /** How long `acquire` waits for a connection, in milliseconds; 5,000 by default. */
  acquireTimeoutMs?: number;
  /** How often idle and old connections are looked for, in milliseconds; 1,000 by default. */
  reviewMs?: number;
  /** Makes a client that is not started; it must call what it is given when its connection is there or gone. */
  create: (onChange: () => void) => C;
  /** Monotonic milliseconds; performance.now by default. */
  now?: () => number;
};

type Member<C> = { client: C; madeAt: number; usedAt: number; isInUse: boolean };
type Waiter<C> = { resolve: (client: C) => void; reject: (error: Error) => void; timer: NodeJS.Timeout };

/**
 * Connections to hubs that are used one task at a time, each by whoever acquired it. Defaults are those of the deployment patterns:
 * 10 to 100 connections, 300 s idle, 3,600 s of life. A client that is not connected is not given out, and comes back by itself.
 */
export class HubPool<C extends PooledClient = HubClient> {
  readonly #options: Required<HubPoolOptions<C>>;
  readonly #members = new Set<Member<C>>();
  readonly #waiting: Waiter<C>[] = [];
  readonly #stopping = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: HubPoolOptions<C>) {
    this.#options = {
      min: 10,
      max: 100,
      idleMs: 300_000,
      lifetimeMs: 3_600_000,
      acquireTimeoutMs: 5_000,
      reviewMs: 1_000,
      now: () => performance.now(),
      ...options,
    };
  }

  /** Connections, in use or not. */
  get size(): number {
    return this.#members.size;
  }

  get inUse(): number {
    return [...this.#members].filter(({ isInUse }) => isInUse).length;
  }

  /** Callers that wait for a connection. */
  get waiting(): number {
    return this.#waiting.length;
  }

  start(): void {
    this.review();
    this.#timer ??= setInterval(() => this.review(), this.#options.reviewMs);
  }

  /**
   * A connected client for the caller alone, until `release`. Waits for one when all are in use, first come, first served. Rejects
   * with HubError `timeout` when there is none in time, and `shutting_down` when the pool stops.
   */
  acquire(): Promise<C> {
    if (this.#isStopped) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const { acquireTimeoutMs } = this.#options;
      const late = new HubError("timeout", `no connection of the pool was free within ${acquireTimeoutMs} ms`);
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(late);
      }, acquireTimeoutMs);
      const waiter: Waiter<C> = { resolve, reject, timer };
      this.#waiting.push(waiter);
      this.#serve();
    });
  }

  /** Gives a client back. One that was not acquired, or is back already, is left alone. */
  release(client: C): void {
    const member = [...this.#members].find((one) => one.client === client);
    if (!member?.isInUse) return;
    member.isInUse = false;
    member.usedAt = this.#options.now();
    if (this.#isOld(member)) this.#close(member);
    this.#serve();
  }

  /** Runs a task with a client of the pool, which is given back whatever becomes of the task. */
  async use<T>(task: (client: C) => Promise<T>): Promise<T> {
    const client = await this.acquire();
    try {
      return await task(client);
    } finally {
      this.release(client);
    }
  }

  /** Closes what is idle or old and is not in use, and fills up to `min`; called every `reviewMs` once the pool is started. */
  review(): void {
    if (this.#isStopped) return;
    const { min, idleMs, now } = this.#options;
    for (const member of [...this.#members]) {
      if (member.isInUse) continue;
      const isIdle = this.#members.size > min && now() - member.usedAt >= idleMs;
      if (isIdle || this.#isOld(member)) this.#close(member);
    }
    while (this.#members.size < min) this.#open();
    this.#serve();
  }

  /** Refuses who waits and ends every connection, also those in use. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(stopped());
    }
    for (const member of [...this.#members]) this.#close(member);
    await Promise.all(this.#stopping);
  }

  /** Hands connections to those that wait, and opens as many as they need. */
  #serve(): void {
    const free = [...this.#members].filter(({ isInUse, client }) => !isInUse && client.isConnected);
    for (const member of free) {
      const waiter = this.#waiting.shift();
      if (!waiter) return;
      clearTimeout(waiter.timer);
      member.isInUse = true;
      waiter.resolve(member.client);
    }
    const connecting = [...this.#members].filter(({ isInUse, client }) => !isInUse && !client.isConnected).length;
    const wanted = this.#waiting.length - connecting;
    for (let i = 0; i < wanted && this.#members.size < this.#options.max; i++) this.#open();
  }

  #open(): void {
    const client = this.#options.create(() => this.#serve());
    const now = this.#options.now();
    this.#members.add({ client, madeAt: now, usedAt: now, isInUse: false });
    client.start();
  }

  #close(member: Member<C>): void {
    this.#members.delete(member);
    const closed = member.client.stop().finally(() => this.#stopping.delete(closed));
    this.#stopping.add(closed);
  }

  #isOld({ madeAt }: Member<C>): boolean {
    return this.#options.now() - madeAt >= this.#options.lifetimeMs;
  }
}

/** A pool of clients that are all made alike. */
export function createHubPool(client: HubClientOptions, options: Omit<HubPoolOptions, "create"> = {}): HubPool {
  const create = (onChange: () => void) =>
    new HubClient({
      ...client,
      onConnect: (welcome) => {
        client.onConnect?.(welcome);
        onChange();
      },
      onDisconnect: (reason) => {
        client.onDisconnect?.(reason);
        onChange();
      },
    });
  return new HubPool({ ...options, create });
}

function stopped(): HubError {
  return new HubError("shutting_down", "the pool of connections stops");
}
