import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { waitAtMost } from "#lib/runtime/wait-at-most.ts";
import { DomainError } from "../errors.ts";
import { bytesOf, type GridSeries, joinTail, toGrid } from "./grid.ts";
import { firstUnsettled, type Window } from "./range.ts";
import { panelLimits } from "./schemas.ts";
import { SharedReads } from "./shared-reads.ts";
import { Turnstile } from "./turnstile.ts";

/** What is known of one expression over one window: the last good data, when it came, and what stands in the way of newer. */
export type Answer = {
  series: GridSeries[];
  window: Window;
  at: Date | null;
  problem: string | null;
};

type Entry = {
  answer: Answer;
  bytes: number;
  /** The newest window that a viewer asked for: what the next query asks. */
  wanted: Window;
  tailsSinceFull: number;
  retryAt: number;
  inFlight: Promise<void> | null;
};

export type PanelStoreOptions = { maxBytes?: number; maxInFlight?: number };

const defaultMaxBytes = 64 * 1024 * 1024;
const defaultMaxInFlight = 8;
const emptyEntryBytes = 500;
const retryMs = 5_000;
/** What Prometheus refuses, or what is too much to draw, will be so again soon. */
const retryRefusedMs = 30_000;
const patienceMs = 4_000;
const tailsBetweenFull = 120;
/** Questions that wait beyond this are refused: Prometheus could not answer them in time. */
const mostWaiting = 400;
const tooMuch = "Too much is asked of Prometheus now. It is asked again in a moment.";

/**
 * Range queries shared by all viewers. For one expression and window there is one query in flight at most, and one per step; a
 * window that moves on asks only for its new points and those that may have been incomplete. When Prometheus is slow or away the
 * last good data stays, with a problem that says so. Its memory is bounded in bytes: what was not used for longest goes first.
 */
export class PanelStore {
  /** Whole answers and lists, shared likewise. */
  readonly reads: SharedReads;
  readonly #prometheus: PrometheusClient | null;
  readonly #now: () => Date;
  readonly #maxBytes: number;
  readonly #turnstile: Turnstile;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** While nothing listens at Prometheus' address, nobody else has to find that out. */
  #awayUntil = 0;
  #awayProblem = "";

  constructor(prometheus: PrometheusClient | null, now: () => Date, options: PanelStoreOptions = {}) {
    this.#prometheus = prometheus;
    this.#now = now;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.#turnstile = new Turnstile(options.maxInFlight ?? defaultMaxInFlight);
    this.reads = new SharedReads(now, Math.floor(this.#maxBytes / 4));
  }

  /** About how much memory the kept series take. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A window's data. `lagSeconds` is how far behind now a running window ends, which tells it from another of its length; null for
   * a fixed window, which does not move on.
   */
  async query(expr: string, window: Window, { lagSeconds = 0 }: { lagSeconds?: number | null } = {}): Promise<Answer> {
    const prometheus = this.#prometheus;
    if (!prometheus) return { series: [], window, at: null, problem: "No Prometheus is connected." };
    const { from, to, stepSeconds } = window;
    const place = lagSeconds === null ? `${from}-${to}` : `${to - from}@${to % stepSeconds} ${lagSeconds}`;
    const key = `${place} ${stepSeconds} ${expr}`;
    const entry = this.#entry(key, window);
    const now = this.#now().getTime();
    if (window.to > entry.wanted.to) entry.wanted = window;
    const isAway = now < this.#awayUntil;
    if (!entry.inFlight && this.#isDue(entry, now)) {
      if (isAway) return { ...entry.answer, problem: this.#awayProblem };
      if (this.#turnstile.waiting >= mostWaiting) return { ...entry.answer, problem: tooMuch };
      entry.inFlight = this.#turnstile
        .pass(() => this.#ask(prometheus, entry, expr))
        .finally(() => {
          entry.inFlight = null;
          this.#settle(key, entry);
        });
      // Who asked may have lost patience: then nobody hears that it failed.
      entry.inFlight.catch(() => undefined);
    }
    if (entry.inFlight) await waitAtMost(entry.inFlight, entry.answer.at ? patienceMs / 4 : patienceMs);
    if (entry.inFlight && !entry.answer.problem) return { ...entry.answer, problem: "Prometheus is slow to answer." };
    return entry.answer;
  }

  #isDue({ answer, wanted, retryAt }: Entry, now: number): boolean {
    if (now < retryAt) return false;
    if (!answer.at || answer.problem || answer.window.to < wanted.to) return true;
    // A fixed time is asked once more when its last points had no time to settle.
    const settledAt = (wanted.to + wanted.settleSeconds) * 1000;
    return now >= settledAt + wanted.stepSeconds * 1000 && answer.at.getTime() < settledAt;
  }

  async #ask(prometheus: PrometheusClient, entry: Entry, expr: string): Promise<void> {
    const { answer, wanted } = entry;
    const tailFrom = this.#tailFrom(entry);
    try {
      const from = tailFrom ?? wanted.from;
      const found = await prometheus.queryRange(expr, { ...wanted, from }, { maxSeries: panelLimits.series });
      const series =
        tailFrom === null
          ? found.map((one) => toGrid(one, wanted))
          : joinTail(answer.series, answer.window, found, wanted, tailFrom);
      entry.answer = { series, window: wanted, at: this.#now(), problem: null };
      entry.tailsSinceFull = tailFrom === null ? 0 : entry.tailsSinceFull + 1;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      entry.answer = { ...answer, problem: error.message };
      entry.retryAt = this.#now().getTime() + (error.code === "prometheus-refused" ? retryRefusedMs : retryMs);
      if (error.code !== "prometheus-unavailable" || !isRefused(error)) return;
      this.#awayUntil = entry.retryAt;
      this.#awayProblem = error.message;
    }
  }

  /** Where the query for the wanted window may begin, when what is known reaches there; null to ask for all of it. */
  #tailFrom({ answer, wanted, tailsSinceFull }: Entry): number | null {
    const { window, at } = answer;
    if (!at || tailsSinceFull >= tailsBetweenFull || window.to > wanted.to) return null;
    const from = firstUnsettled(window);
    return from > wanted.from && window.from <= wanted.from ? from : null;
  }

  /** Entries are kept in the order of their last use. */
  #entry(key: string, window: Window): Entry {
    const known = this.#entries.get(key);
    const entry = known ?? {
      answer: { series: [], window, at: null, problem: null },
      bytes: 2 * key.length + emptyEntryBytes,
      wanted: window,
      tailsSinceFull: 0,
      retryAt: 0,
      inFlight: null,
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (!known) this.#grow(entry.bytes, key);
    return entry;
  }

  #settle(key: string, entry: Entry): void {
    const bytes = 2 * key.length + emptyEntryBytes + bytesOf(entry.answer.series);
    const grown = bytes - entry.bytes;
    entry.bytes = bytes;
    if (this.#entries.get(key) === entry) this.#grow(grown, key);
  }

  #grow(bytes: number, grown: string): void {
    this.#bytes += bytes;
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      // Without its entry a query in flight could be asked a second time.
      if (entry.inFlight || key === grown) continue;
      this.#entries.delete(key);
      this.#bytes -= entry.bytes;
    }
  }
}

function isRefused(error: DomainError): boolean {
  const cause = error.cause instanceof Error ? error.cause.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
