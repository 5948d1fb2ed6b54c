/** How far behind its rate a limit may catch up after a pause of the process. */
const catchUpMs = 100;

/** Lets at most `perSecond` callers pass in a second, evenly and in their order. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #nextAt = Number.NEGATIVE_INFINITY;
  #idle = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#intervalMs = 1_000 / perSecond;
    this.#now = now;
  }

  /** Resolves when the caller may pass, or has given up by the signal: then it takes no place. */
  take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const pass = () => {
        signal.removeEventListener("abort", pass);
        this.#waiting.delete(pass);
        resolve();
      };
      signal.addEventListener("abort", pass);
      this.#waiting.add(pass);
      if (this.#timer === undefined) this.#serve();
    });
  }

  #serve(): void {
    this.#timer = undefined;
    const now = this.#now();
    this.#nextAt = Math.max(this.#nextAt, now - catchUpMs);
    if (this.#nextAt < now && this.#idle) this.#nextAt = now;
    this.#idle = false;
    for (const pass of this.#waiting) {
      if (this.#nextAt > now) break;
      this.#nextAt += this.#intervalMs;
      pass();
    }
    this.#idle = this.#waiting.size === 0;
    if (!this.#idle) this.#timer = setTimeout(() => this.#serve(), Math.ceil(this.#nextAt - now));
  }
}

/** The limits of all scans together and of each address; without a number there is none. */
export class ScanRates {
  readonly #total: RateLimit | undefined;
  readonly #perTarget: number | undefined;
  readonly #targets = new Map<string, { limit: RateLimit; scans: number }>();

  constructor({ total, perTarget }: { total?: number | undefined; perTarget?: number | undefined } = {}) {
    this.#total = total === undefined ? undefined : new RateLimit(total);
    this.#perTarget = perTarget;
  }

  /** Scans of one address share its limit. To be closed by `close(address)`. */
  open(address: string): (signal: AbortSignal) => Promise<void> {
    const limit = this.#openTarget(address);
    return async (signal) => {
      await limit?.take(signal);
      await this.#total?.take(signal);
    };
  }

  close(address: string): void {
    const target = this.#targets.get(address);
    if (!target) return;
    target.scans -= 1;
    if (target.scans === 0) this.#targets.delete(address);
  }

  #openTarget(address: string): RateLimit | undefined {
    if (this.#perTarget === undefined) return undefined;
    const target = this.#targets.get(address) ?? { limit: new RateLimit(this.#perTarget), scans: 0 };
    target.scans += 1;
    this.#targets.set(address, target);
    return target.limit;
  }
}
