import type { HubBody } from "#lib/protocol/hub-messages.ts";

type Scan = HubBody<"scan">;
type ScanResult = HubBody<"result">;

/** A job that a connector works on or has the result of. */
export type HeldJob = HubBody<"forget">;

export type ScanOptions = { timeoutMs: number; signal: AbortSignal; onProgress: (progress: HubBody<"progress">) => void };

/** A connected connector. */
export type ConnectorPeer = {
  readonly tenant: string;
  readonly instance: string;
  readonly capacity: number;
  readonly isConnected: boolean;
  /** Rejects with HubError for the connector's own refusals, and with why the connection was lost. */
  scan(scan: Scan, options: ScanOptions): Promise<ScanResult>;
  /** Tells it that the job's result is stored, or wanted by nobody. */
  forget(job: HeldJob): void;
};

export type DispatcherOptions = {
  /** Called with the number of scans at connectors of this hub. */
  onChange?: (running: number) => void;
};

type Slot = { peer: ConnectorPeer; running: number; isResting: boolean; timer: NodeJS.Timeout | undefined };

/**
 * The places of this hub's connectors: a scan goes to the connector of its tenant that has the largest part of them free, of equals
 * to the one that waits the longest.
 */
export class ScanDispatcher {
  readonly #options: DispatcherOptions;
  readonly #slots = new Map<ConnectorPeer, Slot>();
  /** Called when a connector of the tenant has a place free. */
  onFree: (tenant: string) => void = () => {};
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(options: DispatcherOptions = {}) {
    this.#options = options;
  }

  /** Takes a connector in that works on `running` scans of this hub already. */
  add(peer: ConnectorPeer, running = 0): void {
    this.#slots.set(peer, { peer, running, isResting: false, timer: undefined });
    this.#count(running);
    this.onFree(peer.tenant);
  }

  remove(peer: ConnectorPeer): void {
    const slot = this.#slots.get(peer);
    if (!slot) return;
    clearTimeout(slot.timer);
    this.#slots.delete(peer);
    this.#count(-slot.running);
  }

  /** The tenants whose connectors are here. */
  tenants(): Set<string> {
    return new Set([...this.#slots.values()].map(({ peer }) => peer.tenant));
  }

  hasFree(tenant: string): boolean {
    return this.#findFree(tenant) !== undefined;
  }

  /** Occupies a place, if there is one. To be freed by `release`. */
  acquire(tenant: string): ConnectorPeer | undefined {
    const slot = this.#findFree(tenant);
    if (!slot) return undefined;
    slot.running += 1;
    this.#count(1);
    // Behind its equals: else a connector that came last, as a canary does, gets nothing while there is little to do.
    this.#slots.delete(slot.peer);
    this.#slots.set(slot.peer, slot);
    return slot.peer;
  }

  release(peer: ConnectorPeer): void {
    const slot = this.#slots.get(peer);
    if (!slot) return;
    slot.running -= 1;
    this.#count(-1);
    this.onFree(peer.tenant);
  }

  /** Leaves a connector alone that has just refused a scan, until it disconnects when no time is given. */
  rest(peer: ConnectorPeer, forMs?: number): void {
    const slot = this.#slots.get(peer);
    if (!slot) return;
    clearTimeout(slot.timer);
    slot.isResting = true;
    if (forMs === undefined) return;
    slot.timer = setTimeout(() => {
      slot.isResting = false;
      this.onFree(peer.tenant);
    }, forMs);
  }

  /** Resolves when no scan runs. */
  async drained(): Promise<void> {
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  #findFree(tenant: string): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.#slots.values()) {
      const { peer, running, isResting } = slot;
      if (peer.tenant !== tenant || isResting || running >= peer.capacity) continue;
      if (!best || running / peer.capacity < best.running / best.peer.capacity) best = slot;
    }
    return best;
  }

  #count(change: number): void {
    this.#running += change;
    this.#options.onChange?.(this.#running);
    if (this.#running === 0) this.#idle?.();
  }
}
