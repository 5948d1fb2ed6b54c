import { beforeEach, describe, expect, it } from "vitest";
import { observationsSchema } from "#lib/protocol/observations.ts";
import { answerObservations, Observations } from "./observations.ts";

let now: number;
let observations: Observations;
const started = Date.parse("2026-11-22T03:00:00Z");

beforeEach(() => {
  now = 0;
  observations = new Observations({ now: () => now, unix: () => started + now });
});

const ask = (query: string) => answerObservations(observations, new URLSearchParams(query));
const read = (since = 0) => observationsSchema.parse(ask(`target=relay&since=${since}`).body);

describe("what the prober remembers for drills", () => {
  it("is every outcome of a path, with when it ended in Unix time", () => {
    const path = observations.path("relay", "client 1", 600);
    now = 40;
    path.ok(10);
    now = 700;
    path.failed(610);
    const { outcomes, paths, next, isAll } = read();
    expect(paths).toEqual([{ name: "client 1", intervalMs: 600 }]);
    expect(outcomes).toEqual([
      [0, started + 40, 30, 1],
      [0, started + 700, 90, 0],
    ]);
    expect({ next, isAll }).toEqual({ next: 2, isAll: true });
  });

  it("goes on where somebody has read to, under the same epoch", () => {
    const path = observations.path("relay", "client 1", 600);
    path.ok(0);
    const first = read();
    now = 5;
    path.ok(0);
    expect(read(first.next).outcomes).toEqual([[0, started + 5, 5, 1]]);
    expect(read(first.next).epoch).toBe(first.epoch);
  });

  it("is cut into answers, and says how many outcomes are forgotten", () => {
    const path = observations.path("relay", "client 1", 1);
    for (now = 0; now < 60_001; now += 1) path.ok(now);
    const first = read();
    expect(first.forgotten).toBe(30_000);
    expect([first.outcomes.length, first.isAll, first.next]).toEqual([20_000, false, 50_000]);
    const second = read(first.next);
    expect([second.outcomes.length, second.isAll, second.forgotten]).toEqual([10_001, true, 0]);
  });

  it("has when each lost write had been acknowledged and found to be lost, and what is not settled yet", () => {
    observations.acknowledged("relay");
    now = 100;
    observations.setUnsettled("relay", () => ({ count: 3, oldestAt: 60 }));
    observations.found("relay", { losses: [80, 20], duplicated: 1, reordered: 0 });
    expect(read().ledger).toEqual({
      acknowledged: 1,
      lost: 2,
      duplicated: 1,
      reordered: 0,
      lastAcknowledgedAt: started,
      unsettled: 3,
      oldestUnsettledAt: started + 60,
      losses: [
        [started + 80, started + 100],
        [started + 20, started + 100],
      ],
    });
  });

  it("is refused for what nothing probes, and for a number that is none", () => {
    expect(ask("target=hub").status).toBe(404);
    expect(ask("target=relay&since=-1").status).toBe(400);
  });
});
