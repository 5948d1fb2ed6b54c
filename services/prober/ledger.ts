import type { Unsettled } from "./observations.ts";

/** What the ledger has found since it was last asked. */
export type Findings = { lost: number; duplicated: number; reordered: number };

/** Operations that arrived at the other side, with the time since they were made, in milliseconds. */
export type Delivery = { latencyMs: number };

/** `since`: from when on the other side has had the time to see it. */
type Entry = { revision: number; madeAt: number; acknowledgedAt: number; since: number };
type Writer = {
  /** Acknowledged, and not seen by the other side. */
  missing: Map<number, Entry>;
  /** Acknowledged and seen, the newest of them: what a document that goes back takes with it. */
  settled: Map<number, Entry>;
  arrived: Map<number, number>;
  highest: number;
  snapshotRevision: number;
  /** The newest revision that it was given, or that the other side has started from since. */
  revision: number;
  /** The document has gone back, and the other side has not started again from a snapshot since: it still counts from before. */
  awaitsRestart: boolean;
};

const remembered = 10_000;

/**
 * The ledger of one pair of clients: what the one was told is committed against what the other saw arrive. A side of its own
 * for each writer. Pure; times are given in milliseconds of a monotonic clock.
 */
export class Ledger {
  readonly #writers = new Map<string, Writer>();
  /** Which operation was acknowledged with a revision, the newest of them. */
  readonly #holders = new Map<number, { writer: Writer; sequence: number; acknowledgedAt: number }>();
  #displaced: number[] = [];
  #losses: number[] = [];
  #duplicated = 0;
  #reordered = 0;

  /** An operation was made; its acknowledgement and its arrival may come in either order. */
  acknowledged(
    clientId: string,
    sequence: number,
    revision: number,
    madeAt: number,
    acknowledgedAt = madeAt,
  ): Delivery | undefined {
    const writer = this.#writer(clientId);
    this.#displace(revision);
    if (revision < writer.revision && revision > writer.snapshotRevision) writer.awaitsRestart = true;
    writer.revision = revision;
    remember(this.#holders, revision, { writer, sequence, acknowledgedAt });
    // Nobody could see it before it was committed, which may be long after it was made.
    const entry = { revision, madeAt, acknowledgedAt, since: acknowledgedAt };
    const arrivedAt = writer.arrived.get(sequence);
    if (arrivedAt !== undefined) {
      remember(writer.settled, sequence, entry);
      return { latencyMs: arrivedAt - madeAt };
    }
    if (revision > writer.snapshotRevision) writer.missing.set(sequence, entry);
    return undefined;
  }

  /** The other side saw an operation. */
  arrived(clientId: string, sequence: number, at: number): Delivery | undefined {
    const writer = this.#writer(clientId);
    if (writer.arrived.has(sequence)) {
      this.#duplicated += 1;
      return undefined;
    }
    if (sequence < writer.highest) this.#reordered += 1;
    writer.highest = Math.max(writer.highest, sequence);
    remember(writer.arrived, sequence, at);
    const entry = writer.missing.get(sequence);
    if (!entry) return undefined;
    writer.missing.delete(sequence);
    remember(writer.settled, sequence, entry);
    return { latencyMs: at - entry.madeAt };
  }

  /**
   * The other side started again from a snapshot. What the snapshot contains cannot be seen arriving any more. What was
   * acknowledged past it has to arrive, also if it had arrived before: the document may have gone back.
   */
  restarted(clientId: string, snapshotRevision: number, at: number): void {
    const writer = this.#writer(clientId);
    writer.snapshotRevision = snapshotRevision;
    writer.revision = snapshotRevision;
    writer.awaitsRestart = false;
    for (const [sequence, { revision }] of writer.missing) if (revision <= snapshotRevision) writer.missing.delete(sequence);
    for (const [sequence, entry] of writer.settled) {
      if (entry.revision <= snapshotRevision) continue;
      writer.settled.delete(sequence);
      writer.missing.set(sequence, { ...entry, since: at });
    }
    writer.arrived.clear();
    writer.highest = 0;
  }

  /**
   * Settles the ledger: an operation is lost when the other side has passed its revision without it, when it has had `patienceMs`
   * on a live connection and the document has still not come that far, or when its revision was given to another operation.
   */
  settle(
    clientId: string,
    partner: { revision: number; liveSince: number | undefined },
    now: number,
    patienceMs: number,
  ): Findings {
    const { missing, awaitsRestart } = this.#writer(clientId);
    const losses = this.#displaced;
    for (const [sequence, { revision, since, acknowledgedAt }] of missing) {
      const waited = partner.liveSince === undefined ? 0 : now - Math.max(since, partner.liveSince);
      const isPassed = partner.revision >= revision && !awaitsRestart;
      if (!isPassed && waited < patienceMs) continue;
      missing.delete(sequence);
      this.#holders.delete(revision);
      losses.push(acknowledgedAt);
    }
    this.#losses.push(...losses);
    const findings = { lost: losses.length, duplicated: this.#duplicated, reordered: this.#reordered };
    this.#displaced = [];
    this.#duplicated = 0;
    this.#reordered = 0;
    return findings;
  }

  /** When what was found to be lost since this was last asked had been acknowledged. */
  takeLosses(): number[] {
    const losses = this.#losses;
    this.#losses = [];
    return losses;
  }

  /** What was acknowledged and neither arrived nor was found to be lost yet. */
  unsettled(): Unsettled {
    const open = [...this.#writers.values()].flatMap(({ missing }) => [...missing.values()]);
    return { count: open.length, oldestAt: open.length === 0 ? null : Math.min(...open.map((entry) => entry.acknowledgedAt)) };
  }

  /** A revision that is given again was taken from the operation that had it: the document has gone back before it. */
  #displace(revision: number): void {
    const holder = this.#holders.get(revision);
    if (!holder) return;
    this.#holders.delete(revision);
    holder.writer.missing.delete(holder.sequence);
    holder.writer.settled.delete(holder.sequence);
    this.#displaced.push(holder.acknowledgedAt);
  }

  #writer(clientId: string): Writer {
    const known = this.#writers.get(clientId);
    if (known) return known;
    const writer = {
      missing: new Map(),
      settled: new Map(),
      arrived: new Map(),
      highest: 0,
      snapshotRevision: 0,
      revision: 0,
      awaitsRestart: false,
    };
    this.#writers.set(clientId, writer);
    return writer;
  }
}

function remember<T>(newest: Map<number, T>, sequence: number, value: T): void {
  newest.set(sequence, value);
  if (newest.size <= remembered) return;
  for (const oldest of newest.keys()) {
    if (newest.size <= remembered / 2) return;
    newest.delete(oldest);
  }
}
