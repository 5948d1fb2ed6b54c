import type { PrometheusClient, PrometheusSeries } from "#lib/prometheus/client.ts";
import { DomainError } from "../errors.ts";
import type { Window } from "./expression.ts";

/** What is known of one expression over one range: the last good data, when it came, and what stands in the way of newer. */
export type Answer = { series: PrometheusSeries[]; window: Window; at: Date | null; problem: string | null };

type Entry = { answer: Answer; askedTo: number; retryAt: number; inFlight: Promise<void> | null };

const maxEntries = 2000;
const retryMs = 5_000;
const patienceMs = 4_000;

/**
 * Range queries shared by all viewers: for one expression and range there is one query in flight at most, and one per step.
 * When Prometheus is slow or away the last good data stays, with a problem that says so.
 */
export class PanelStore {
  readonly #prometheus: PrometheusClient | null;
  readonly #now: () => Date;
  readonly #entries = new Map<string, Entry>();

  constructor(prometheus: PrometheusClient | null, now: () => Date) {
    this.#prometheus = prometheus;
    this.#now = now;
  }

  async query(expr: string, window: Window): Promise<Answer> {
    const prometheus = this.#prometheus;
    if (!prometheus) return { series: [], window, at: null, problem: "No Prometheus is connected." };
    const key = `${window.to - window.from} ${expr}`;
    const entry = this.#entry(key, window);
    const due = entry.askedTo < window.to && this.#now().getTime() >= entry.retryAt;
    if (due && !entry.inFlight) {
      entry.inFlight = this.#ask(prometheus, entry, expr, window).finally(() => {
        entry.inFlight = null;
      });
    }
    if (entry.inFlight) await waitAtMost(entry.inFlight, entry.answer.at ? patienceMs / 4 : patienceMs);
    if (entry.inFlight && !entry.answer.problem) return { ...entry.answer, problem: "Prometheus is slow to answer." };
    return entry.answer;
  }

  async #ask(prometheus: PrometheusClient, entry: Entry, expr: string, window: Window): Promise<void> {
    try {
      const series = await prometheus.queryRange(expr, window);
      entry.answer = { series, window, at: this.#now(), problem: null };
      entry.askedTo = window.to;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      entry.answer = { ...entry.answer, problem: error.message };
      entry.retryAt = this.#now().getTime() + retryMs;
    }
  }

  /** Entries are kept in the order of their last use; the least recent one goes when there are too many. */
  #entry(key: string, window: Window): Entry {
    const entry = this.#entries.get(key) ?? {
      answer: { series: [], window, at: null, problem: null },
      askedTo: 0,
      retryAt: 0,
      inFlight: null,
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }
}

async function waitAtMost(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, patience]);
  clearTimeout(timer);
}
