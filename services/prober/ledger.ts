/** What the ledger has found since it was last asked. */
export type Findings = { lost: number; duplicated: number; reordered: number };

/** Operations that arrived at the other side, with the time since they were made, in milliseconds. */
export type Delivery = { latencyMs: number };

type Entry = { revision: number; madeAt: number };
type Writer = { acknowledged: Map<number, Entry>; arrived: Map<number, number>; highest: number; snapshotRevision: number };

const rememberedArrivals = 10_000;

/**
 * The ledger of one pair of clients: what the one was told is committed against what the other saw arrive. A side of its own
 * for each writer. Pure; times are given in milliseconds of a monotonic clock.
 */
export class Ledger {
  readonly #writers = new Map<string, Writer>();
  #duplicated = 0;
  #reordered = 0;

  /** An operation was made; its acknowledgement and its arrival may come in either order. */
  acknowledged(clientId: string, sequence: number, revision: number, madeAt: number): Delivery | undefined {
    const writer = this.#writer(clientId);
    const arrivedAt = writer.arrived.get(sequence);
    if (arrivedAt !== undefined) return { latencyMs: arrivedAt - madeAt };
    if (revision > writer.snapshotRevision) writer.acknowledged.set(sequence, { revision, madeAt });
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
    writer.arrived.set(sequence, at);
    if (writer.arrived.size > rememberedArrivals) forgetOldest(writer.arrived);
    const entry = writer.acknowledged.get(sequence);
    if (!entry) return undefined;
    writer.acknowledged.delete(sequence);
    return { latencyMs: at - entry.madeAt };
  }

  /**
   * The other side started again from a snapshot. What the snapshot contains cannot be seen arriving any more; what was
   * acknowledged past it, although the snapshot is the newest there is, stays in the ledger.
   */
  restarted(clientId: string, snapshotRevision: number): void {
    const writer = this.#writer(clientId);
    const { acknowledged } = writer;
    writer.snapshotRevision = snapshotRevision;
    for (const [sequence, { revision }] of acknowledged) if (revision <= snapshotRevision) acknowledged.delete(sequence);
  }

  /**
   * Settles the ledger: an operation is lost when the other side has passed its revision without it, or when it has had
   * `patienceMs` on a live connection and the document has still not come that far.
   */
  settle(
    clientId: string,
    partner: { revision: number; liveSince: number | undefined },
    now: number,
    patienceMs: number,
  ): Findings {
    const { acknowledged } = this.#writer(clientId);
    let lost = 0;
    for (const [sequence, { revision, madeAt }] of acknowledged) {
      const waited = partner.liveSince === undefined ? 0 : now - Math.max(madeAt, partner.liveSince);
      if (partner.revision < revision && waited < patienceMs) continue;
      acknowledged.delete(sequence);
      lost += 1;
    }
    const findings = { lost, duplicated: this.#duplicated, reordered: this.#reordered };
    this.#duplicated = 0;
    this.#reordered = 0;
    return findings;
  }

  #writer(clientId: string): Writer {
    const known = this.#writers.get(clientId);
    if (known) return known;
    const writer = { acknowledged: new Map(), arrived: new Map(), highest: 0, snapshotRevision: 0 };
    this.#writers.set(clientId, writer);
    return writer;
  }
}

function forgetOldest(arrived: Map<number, number>): void {
  for (const sequence of arrived.keys()) {
    if (arrived.size <= rememberedArrivals / 2) return;
    arrived.delete(sequence);
  }
}
