import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";

type Scan = HubBody<"scan">;
type ScanResult = HubBody<"result">;

export type ScanOptions = { timeoutMs: number; signal: AbortSignal; onProgress: (progress: HubBody<"progress">) => void };

/** A connected connector, as the dispatcher sees it. `scan` rejects with HubError for the connector's own refusals. */
export type ConnectorPeer = {
  readonly tenant: string;
  readonly instance: string;
  readonly capacity: number;
  scan(scan: Scan, options: ScanOptions): Promise<ScanResult>;
};

export type DispatcherOptions = {
  /** How many scans may wait for a connector. */
  queueSize: number;
  /** How often a scan is handed to another connector after the first one was lost or refused for its own reasons. */
  handOns?: number;
  now?: () => number;
  onChange?: (running: number, waiting: number) => void;
};

type Slot = { peer: ConnectorPeer; running: number };
type Waiting = { tenant: string; avoid: Set<string>; take: (slot: Slot) => void };

/** After its deadline a connector still has this long to hand back what it found. */
const handBackMs = 1_000;

/**
 * Gives each scan to the connector of its tenant that has the largest part of its capacity free. Scans wait in order while all
 * are busy or none is there, up to their own time; a scan whose connector is lost goes to another one.
 */
export class ScanDispatcher {
  readonly #options: DispatcherOptions;
  readonly #now: () => number;
  readonly #slots = new Map<ConnectorPeer, Slot>();
  readonly #waiting = new Set<Waiting>();
  /** Called when a connector has a place free that nothing here waits for. */
  onFree: () => void = () => {};
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  add(peer: ConnectorPeer): void {
    this.#slots.set(peer, { peer, running: 0 });
    this.#serveWaiting();
  }

  /** The tenants whose connectors are here. */
  tenants(): Set<string> {
    return new Set([...this.#slots.values()].map(({ peer }) => peer.tenant));
  }

  /** How many scans more the tenant's connectors take now. */
  freeOf(tenant: string): number {
    let free = 0;
    for (const { peer, running } of this.#slots.values()) {
      if (peer.tenant === tenant) free += Math.max(0, peer.capacity - running);
    }
    return free;
  }

  remove(peer: ConnectorPeer): void {
    this.#slots.delete(peer);
  }

  /** Resolves with the result; rejects with HubError: busy, no_connector, connector_lost, cancelled, timeout, the connector's own. */
  async submit(tenant: string, scan: Scan, { signal, onProgress }: Omit<ScanOptions, "timeoutMs">): Promise<ScanResult> {
    const deadline = this.#now() + scan.timeoutMs;
    const failed = new Set<string>();
    for (let left = this.#options.handOns ?? 2; ; left--) {
      const slot = await this.#acquire(tenant, failed, deadline, signal);
      try {
        const timeoutMs = Math.max(100, Math.round(deadline - this.#now()));
        return await slot.peer.scan({ ...scan, timeoutMs }, { timeoutMs: timeoutMs + handBackMs, signal, onProgress });
      } catch (error) {
        if (signal.aborted) throw new HubError("cancelled", "the scan was cancelled");
        if (error instanceof HubError && !isHandedOn(error)) throw error;
        failed.add(slot.peer.instance);
        if (left === 0)
          throw new HubError("connector_lost", `every connector that took the scan failed, the last was ${slot.peer.instance}`);
      } finally {
        this.#release(slot);
      }
    }
  }

  /** Resolves when no scan runs or waits. */
  async drained(): Promise<void> {
    while (this.#running + this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  #acquire(tenant: string, avoid: Set<string>, deadline: number, signal: AbortSignal): Promise<Slot> {
    const free = this.#findFree(tenant, avoid);
    if (free) return Promise.resolve(this.#occupy(free));
    if (this.#waiting.size >= this.#options.queueSize) {
      return Promise.reject(new HubError("busy", `${this.#waiting.size} scans wait already`));
    }
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(waiting);
        then();
        this.#changed();
      };
      const onAbort = () => settle(() => reject(new HubError("cancelled", "the scan was cancelled")));
      const onTimeout = () => {
        const any = [...this.#slots.values()].some((slot) => slot.peer.tenant === tenant);
        const error = any
          ? new HubError("busy", "every connector was busy until the scan's time was over")
          : new HubError("no_connector", `no connector of tenant ${tenant} is connected`);
        settle(() => reject(error));
      };
      const timer = setTimeout(onTimeout, Math.max(0, deadline - this.#now()));
      const waiting: Waiting = { tenant, avoid, take: (slot) => settle(() => resolve(this.#occupy(slot))) };
      signal.addEventListener("abort", onAbort);
      this.#waiting.add(waiting);
      this.#changed();
    });
  }

  #findFree(tenant: string, avoid: Set<string>): Slot | undefined {
    const free = [...this.#slots.values()].filter(({ peer, running }) => peer.tenant === tenant && running < peer.capacity);
    const fresh = free.filter(({ peer }) => !avoid.has(peer.instance));
    return (fresh.length > 0 ? fresh : free).reduce<Slot | undefined>(
      (best, slot) => (!best || slot.running / slot.peer.capacity < best.running / best.peer.capacity ? slot : best),
      undefined,
    );
  }

  #occupy(slot: Slot): Slot {
    slot.running += 1;
    this.#running += 1;
    this.#changed();
    return slot;
  }

  #release(slot: Slot): void {
    slot.running -= 1;
    this.#running -= 1;
    this.#serveWaiting();
    this.#changed();
  }

  #serveWaiting(): void {
    for (const waiting of this.#waiting) {
      const slot = this.#findFree(waiting.tenant, waiting.avoid);
      if (slot) waiting.take(slot);
    }
    this.onFree();
  }

  #changed(): void {
    this.#options.onChange?.(this.#running, this.#waiting.size);
    if (this.#running + this.#waiting.size === 0) this.#idle?.();
  }
}

function isHandedOn(error: HubError): boolean {
  const causes = ["busy", "shutting_down", "slow_consumer", "silent", "replaced", "bad_frame", "bad_message", "internal"];
  return causes.includes(error.code);
}
