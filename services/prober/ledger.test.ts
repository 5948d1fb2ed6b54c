import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger } from "./ledger.ts";

const live = (revision: number) => ({ revision, liveSince: 0 });

describe("the ledger", () => {
  it("measures delivery from the making of an operation, whichever of acknowledgement and arrival comes first", () => {
    const ledger = new Ledger();
    expect(ledger.acknowledged("a", 1, 1, 100)).toBeUndefined();
    expect(ledger.arrived("a", 1, 107)).toEqual({ latencyMs: 7 });
    expect(ledger.arrived("a", 2, 109)).toBeUndefined();
    expect(ledger.acknowledged("a", 2, 2, 105)).toEqual({ latencyMs: 4 });
    expect(ledger.settle("a", live(2), 1000, 10)).toEqual({ lost: 0, duplicated: 0, reordered: 0 });
  });

  it("counts an acknowledged operation as lost once the other side is past its revision", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0);
    expect(ledger.settle("a", live(4), 10, 1000).lost).toBe(0);
    expect(ledger.settle("a", live(5), 10, 1000).lost).toBe(1);
    expect(ledger.settle("a", live(5), 10, 1000).lost).toBe(0);
  });

  it("says when what is lost had been acknowledged, and what is open until then", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0, 3);
    ledger.acknowledged("a", 2, 6, 0, 7);
    expect(ledger.unsettled()).toEqual({ count: 2, oldestAt: 3 });
    ledger.settle("a", live(5), 10, 1000);
    expect(ledger.takeLosses()).toEqual([3]);
    expect(ledger.takeLosses()).toEqual([]);
    expect(ledger.unsettled()).toEqual({ count: 1, oldestAt: 7 });
  });

  it("says it also of an operation whose revision was given to another one", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0, 3);
    ledger.arrived("a", 1, 4);
    ledger.acknowledged("b", 1, 5, 10, 12);
    ledger.settle("a", live(4), 20, 1000);
    expect(ledger.takeLosses()).toEqual([3]);
  });

  it("does not count it while the other side is not connected, and does after its patience on a live connection", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0);
    expect(ledger.settle("a", { revision: 4, liveSince: undefined }, 60_000, 1000).lost).toBe(0);
    expect(ledger.settle("a", { revision: 4, liveSince: 59_500 }, 60_000, 1000).lost).toBe(0);
    expect(ledger.settle("a", { revision: 4, liveSince: 59_500 }, 60_500, 1000).lost).toBe(1);
  });

  it("gives one that was acknowledged long after it was made its patience from the acknowledgement on", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0, 12_000);
    expect(ledger.settle("a", live(4), 12_001, 10_000).lost).toBe(0);
    expect(ledger.arrived("a", 1, 12_005)).toEqual({ latencyMs: 12_005 });
    expect(ledger.settle("a", live(5), 30_000, 10_000).lost).toBe(0);
  });

  it("takes what a snapshot contains as arrived, and what was acknowledged past it as lost", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0);
    ledger.acknowledged("a", 2, 9, 0);
    ledger.restarted("a", 7, 0);
    expect(ledger.settle("a", live(7), 2000, 1000).lost).toBe(1);
  });

  it("gives what had arrived and is in no snapshot any more its patience from then on, through further snapshots", () => {
    const ledger = new Ledger();
    ledger.acknowledged("a", 1, 5, 0);
    ledger.arrived("a", 1, 1);
    ledger.restarted("a", 4, 60_000);
    expect(ledger.settle("a", live(4), 60_900, 1000).lost).toBe(0);
    ledger.restarted("a", 4, 60_950);
    expect(ledger.settle("a", live(4), 61_000, 1000).lost).toBe(1);
  });

  it("takes it as arrived also when the acknowledgement comes after the snapshot", () => {
    const ledger = new Ledger();
    ledger.restarted("a", 7, 0);
    ledger.acknowledged("a", 1, 7, 0);
    ledger.acknowledged("a", 2, 8, 0);
    expect(ledger.settle("a", live(8), 2000, 1000).lost).toBe(1);
  });

  it("counts what had arrived and is gone when the document has gone back, and no arrival that is repeated for it", () => {
    const ledger = new Ledger();
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      ledger.acknowledged("a", sequence, sequence, 0);
      ledger.arrived("a", sequence, 0);
    }
    ledger.restarted("a", 4, 0);
    for (const sequence of [5, 6, 7]) ledger.arrived("a", sequence, 0);
    expect(ledger.settle("a", live(7), 500, 1000)).toEqual({ lost: 0, duplicated: 0, reordered: 0 });
    ledger.acknowledged("a", 11, 8, 500);
    ledger.arrived("a", 11, 500);
    expect(ledger.settle("a", live(8), 500, 1000).lost).toBe(1);
    expect(ledger.settle("a", live(10), 500, 1000)).toEqual({ lost: 2, duplicated: 0, reordered: 0 });
  });

  it.each([true, false])(
    "counts what a document that went back has lost though it grew again (had it arrived: %s)",
    (hasArrived) => {
      const ledger = new Ledger();
      for (let sequence = 1; sequence <= 10; sequence += 1) {
        ledger.acknowledged("a", sequence, sequence, 0);
        if (hasArrived || sequence <= 4) ledger.arrived("a", sequence, 0);
      }
      // It goes back to 4, and is at 8 again when the other side comes back.
      ledger.acknowledged("b", 1, 5, 0);
      ledger.acknowledged("a", 11, 6, 0);
      ledger.restarted("a", 8, 0);
      ledger.acknowledged("b", 2, 7, 0);
      ledger.acknowledged("a", 12, 8, 0);
      expect(ledger.settle("a", live(8), 500, 1000).lost).toBe(4);
      ledger.acknowledged("a", 13, 9, 0);
      ledger.arrived("a", 13, 0);
      expect(ledger.settle("a", live(10), 500, 1000)).toEqual({ lost: 2, duplicated: 0, reordered: 0 });
      expect(ledger.settle("a", live(20), 500, 1000).lost).toBe(0);
    },
  );

  it("waits for a side that has not noticed yet that the document went back", () => {
    const ledger = new Ledger();
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      ledger.acknowledged("a", sequence, sequence, 0);
      ledger.arrived("a", sequence, 0);
    }
    ledger.acknowledged("a", 11, 5, 0);
    ledger.acknowledged("a", 12, 6, 0);
    expect(ledger.settle("a", live(10), 500, 1000).lost).toBe(2);
    ledger.restarted("a", 4, 0);
    ledger.arrived("a", 11, 600);
    ledger.arrived("a", 12, 600);
    expect(ledger.settle("a", live(6), 700, 1000).lost).toBe(0);
    expect(ledger.settle("a", live(10), 2000, 1000)).toEqual({ lost: 4, duplicated: 0, reordered: 0 });
  });

  it("counts doubled and reordered arrivals, each writer by itself", () => {
    const ledger = new Ledger();
    for (const sequence of [1, 3, 2, 3]) ledger.arrived("a", sequence, 0);
    for (const sequence of [1, 2, 3]) ledger.arrived("b", sequence, 0);
    expect(ledger.settle("a", live(9), 0, 1000)).toEqual({ lost: 0, duplicated: 1, reordered: 1 });
  });

  it("finds exactly what is missing from any acknowledged sequence", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ isAcknowledged: fc.boolean(), isDelivered: fc.boolean() }), { maxLength: 50 }),
        (history) => {
          const ledger = new Ledger();
          history.forEach(({ isAcknowledged, isDelivered }, index) => {
            if (isDelivered) ledger.arrived("a", index + 1, index);
            if (isAcknowledged) ledger.acknowledged("a", index + 1, index + 1, index);
          });
          const missing = history.filter(({ isAcknowledged, isDelivered }) => isAcknowledged && !isDelivered).length;
          expect(ledger.settle("a", live(history.length), 0, 1000)).toEqual({ lost: missing, duplicated: 0, reordered: 0 });
        },
      ),
    );
  });
});
