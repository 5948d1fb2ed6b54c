import { randomUUID } from "node:crypto";
import type { ObservationsPage } from "#lib/protocol/observations.ts";
import type { Answer } from "#lib/runtime/health-server.ts";

const mostOutcomes = 60_000;
const mostLosses = 10_000;
const mostInAnswer = 20_000;

type Outcome = { path: number; endedAt: number; tookMs: number; isOk: boolean };

/** Acknowledged writes that nobody has seen arrive yet. Times in milliseconds of the monotonic clock. */
export type Unsettled = { count: number; oldestAt: number | null };

class TargetObservations {
  readonly paths: { name: string; intervalMs: number }[] = [];
  readonly outcomes: Outcome[] = [];
  readonly losses: { acknowledgedAt: number; foundAt: number }[] = [];
  /** The number of the oldest outcome that is kept. */
  first = 0;
  acknowledged = 0;
  lost = 0;
  duplicated = 0;
  reordered = 0;
  lastAcknowledgedAt: number | null = null;
  unsettled: () => Unsettled = () => ({ count: 0, oldestAt: null });
}

/** One of the ways by which clients are served. */
export type ObservedPath = { ok(madeAt: number): void; failed(madeAt: number): void; setInterval(intervalMs: number): void };

/**
 * Remembers the newest outcomes of every path one by one, and the ledger's sums, for whoever measures an interruption (a drill).
 * Times go in as milliseconds of the monotonic clock, and come out as Unix time.
 */
export class Observations {
  readonly #epoch = randomUUID();
  readonly #targets = new Map<string, TargetObservations>();
  readonly #clock: { now(): number; unix(): number };

  constructor(clock = { now: () => performance.now(), unix: () => Date.now() }) {
    this.#clock = clock;
  }

  path(target: string, name: string, intervalMs: number): ObservedPath {
    const observed = this.#of(target);
    const path = observed.paths.push({ name, intervalMs }) - 1;
    const add = (madeAt: number, isOk: boolean) => {
      const endedAt = this.#clock.now();
      observed.outcomes.push({ path, endedAt, tookMs: endedAt - madeAt, isOk });
      if (observed.outcomes.length <= mostOutcomes) return;
      observed.first += mostOutcomes / 2;
      observed.outcomes.splice(0, mostOutcomes / 2);
    };
    return {
      ok: (madeAt) => add(madeAt, true),
      failed: (madeAt) => add(madeAt, false),
      setInterval: (ms) => {
        observed.paths[path] = { name, intervalMs: ms };
      },
    };
  }

  acknowledged(target: string): void {
    const observed = this.#of(target);
    observed.acknowledged += 1;
    observed.lastAcknowledgedAt = this.#clock.now();
  }

  /** How much of what was acknowledged is still open, whenever somebody asks. */
  setUnsettled(target: string, ask: () => Unsettled): void {
    this.#of(target).unsettled = ask;
  }

  /** What the ledger found; of each lost write when it had been acknowledged. */
  found(target: string, { losses, duplicated, reordered }: { losses: number[]; duplicated: number; reordered: number }): void {
    const observed = this.#of(target);
    observed.lost += losses.length;
    observed.duplicated += duplicated;
    observed.reordered += reordered;
    const foundAt = this.#clock.now();
    observed.losses.push(...losses.map((acknowledgedAt) => ({ acknowledgedAt, foundAt })));
    observed.losses.splice(0, observed.losses.length - mostLosses);
  }

  /** What was seen of a target from the outcome with this number on; null when nothing probes it. */
  read(target: string, since: number): ObservationsPage | null {
    const observed = this.#targets.get(target);
    if (!observed) return null;
    const { first, outcomes, paths, acknowledged, lost, duplicated, reordered } = observed;
    const end = first + outcomes.length;
    const from = Math.min(Math.max(since, first), end);
    const shown = outcomes.slice(from - first, from - first + mostInAnswer);
    const at = this.#clock.unix();
    const toUnix = at - this.#clock.now();
    const unix = (time: number | null) => (time === null ? null : Math.round(time + toUnix));
    const unsettled = observed.unsettled();
    return {
      epoch: this.#epoch,
      at,
      target,
      next: from + shown.length,
      isAll: from + shown.length === end,
      forgotten: Math.max(0, first - since),
      paths: paths.map((path) => ({ ...path })),
      outcomes: shown.map(({ path, endedAt, tookMs, isOk }) => [
        path,
        Math.round(endedAt + toUnix),
        Math.round(tookMs),
        isOk ? 1 : 0,
      ]),
      ledger: {
        acknowledged,
        lost,
        duplicated,
        reordered,
        lastAcknowledgedAt: unix(observed.lastAcknowledgedAt),
        unsettled: unsettled.count,
        oldestUnsettledAt: unix(unsettled.oldestAt),
        losses: observed.losses.map(({ acknowledgedAt, foundAt }) => [
          Math.round(acknowledgedAt + toUnix),
          Math.round(foundAt + toUnix),
        ]),
      },
    };
  }

  #of(target: string): TargetObservations {
    const known = this.#targets.get(target);
    if (known) return known;
    const made = new TargetObservations();
    this.#targets.set(target, made);
    return made;
  }
}

/** GET /observations?target=relay&since=0 */
export function answerObservations(observations: Observations, query: URLSearchParams): Answer {
  const target = query.get("target") ?? "relay";
  const since = Number(query.get("since") ?? 0);
  if (!Number.isSafeInteger(since) || since < 0) return { status: 400, body: "since wants the number of an outcome, or 0" };
  const page = observations.read(target, since);
  return page ? { status: 200, body: page } : { status: 404, body: `nothing probes ${target}` };
}
