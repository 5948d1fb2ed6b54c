import type { Unsettled } from "./observations.ts";

/** A reading of the prober as the hub has it: under which number of which stream, and the number that the prober gave it. */
export type Stored = { stream: string; sequence: number; value: unknown };

/** What the ledger has found since it was last asked; latencies in milliseconds, from the making of a message to its being seen. */
export type HubFindings = { latenciesMs: number[]; late: number; lost: number; duplicated: number; reordered: number };

type Entry = { madeAt: number; acknowledgedAt: number; isLate: boolean };

const remembered = 10_000;

/**
 * The messages of one prober: what was acknowledged against what the hub has stored. Messages are numbered, and the order of one
 * sensor is kept on the whole way, so what is not there though a later one is will not come any more. Pure; times are given in
 * milliseconds of a monotonic clock.
 */
export class HubLedger {
  readonly #patienceMs: number;
  /** Acknowledged, and not seen in the store. */
  readonly #unseen = new Map<number, Entry>();
  readonly #seenAt = new Map<number, number>();
  readonly #places = new Set<string>();
  #highest = 0;
  #losses: number[] = [];
  #findings = nothing();

  /** What was not seen after `patienceMs` is late. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** How many of the newest readings are to be looked at. */
  get wanted(): number {
    return this.#unseen.size + 100;
  }

  acknowledged(number: number, madeAt: number, acknowledgedAt = madeAt): void {
    const seenAt = this.#seenAt.get(number);
    if (seenAt === undefined) keep(this.#unseen, number, { madeAt, acknowledgedAt, isLate: false });
    else this.#findings.latenciesMs.push(seenAt - madeAt);
  }

  /** The prober's newest readings in the store, the newest first; `isAll` when there are no older ones. */
  stored(newestFirst: Stored[], isAll: boolean, now: number): void {
    const oldestFirst = newestFirst
      .toReversed()
      .flatMap((one) => (typeof one.value === "number" ? [{ ...one, number: one.value }] : []));
    for (const { stream, sequence, number } of oldestFirst) this.#see(`${stream}/${sequence}`, number, now);
    const from = isAll ? 0 : Math.min(...oldestFirst.map(({ number }) => number));
    for (const [number, entry] of this.#unseen) {
      if (number < this.#highest && number >= from) {
        this.#unseen.delete(number);
        this.#findings.lost += 1;
        this.#losses.push(entry.acknowledgedAt);
      } else if (!entry.isLate && now - entry.madeAt > this.#patienceMs) {
        entry.isLate = true;
        this.#findings.late += 1;
      }
    }
  }

  takeFindings(): HubFindings {
    const findings = this.#findings;
    this.#findings = nothing();
    return findings;
  }

  /** When what was found to be lost since this was last asked had been acknowledged. */
  takeLosses(): number[] {
    const losses = this.#losses;
    this.#losses = [];
    return losses;
  }

  /** What was acknowledged and neither seen in the store nor found to be lost yet. */
  unsettled(): Unsettled {
    const [oldest] = this.#unseen.values();
    return { count: this.#unseen.size, oldestAt: oldest?.acknowledgedAt ?? null };
  }

  #see(place: string, number: number, now: number): void {
    if (this.#places.has(place)) return;
    this.#places.add(place);
    forget(this.#places);
    if (this.#seenAt.has(number)) {
      this.#findings.duplicated += 1;
      return;
    }
    if (number < this.#highest) this.#findings.reordered += 1;
    this.#highest = Math.max(this.#highest, number);
    keep(this.#seenAt, number, now);
    const entry = this.#unseen.get(number);
    if (!entry) return;
    this.#unseen.delete(number);
    if (!entry.isLate) this.#findings.latenciesMs.push(now - entry.madeAt);
  }
}

function nothing(): HubFindings {
  return { latenciesMs: [], late: 0, lost: 0, duplicated: 0, reordered: 0 };
}

function keep<T>(newest: Map<number, T>, number: number, value: T): void {
  newest.set(number, value);
  forget(newest);
}

/** Above the bound the older half goes. */
function forget<T>(newest: { size: number; keys(): Iterable<T>; delete(key: T): boolean }): void {
  if (newest.size <= remembered) return;
  for (const key of newest.keys()) {
    if (newest.size <= remembered / 2) return;
    newest.delete(key);
  }
}
