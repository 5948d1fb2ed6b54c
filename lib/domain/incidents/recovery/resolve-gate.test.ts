import { describe, expect, test } from "vitest";
import type { Indicator } from "./indicators.ts";
import { beginRecovery, type StoredRecovery } from "./recovery.ts";
import { judgeResolve, type LinkedAlert, type ResolveFacts } from "./resolve-gate.ts";

const now = new Date("2026-03-01T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

const errors: Indicator = {
  name: "error-ratio",
  title: "Failed operations",
  unit: "ratio",
  limit: 0.01,
  bad: "above",
  expr: "e",
};
const recovered: StoredRecovery = {
  ...beginRecovery("fleet/relay", errors, ago(900), 30),
  lookedAt: ago(3).toISOString(),
  state: "good",
  wasBad: true,
  now: 0,
  goodSince: ago(400).toISOString(),
  recoveredAt: ago(400).toISOString(),
};
const over: LinkedAlert = {
  name: "RelayHighErrorRate",
  sourceId: "a",
  state: "resolved",
  startsAt: ago(900),
  endsAt: ago(301),
  silencedBy: [],
  inhibited: false,
};
const good: ResolveFacts = { alerts: [over], blindness: [], recovery: recovered, hasServices: true, clearSeconds: 300 };
const judge = (facts: Partial<ResolveFacts>) => judgeResolve({ ...good, ...facts }, now);
const ids = (facts: Partial<ResolveFacts>) => judge(facts).map(({ id }) => id);

test("nothing speaks against it when its alerts are over for long enough and its indicator has recovered", () => {
  expect(judge({})).toEqual([]);
});

describe("an alert speaks against it", () => {
  const firing: LinkedAlert = { ...over, state: "firing", endsAt: null };
  test("while it fires", () => {
    expect(judge({ alerts: [over, firing] })).toEqual([
      { id: "alert-fires", message: "RelayHighErrorRate fires since 11:45:00 UTC." },
    ]);
  });

  test("while a silence or another alert hides it", () => {
    expect(ids({ alerts: [{ ...firing, silencedBy: ["s"] }] })).toEqual(["silenced"]);
    expect(ids({ alerts: [{ ...firing, inhibited: true }] })).toEqual(["alert-fires"]);
  });

  test("until it has been over for the time that is set, to the second", () => {
    expect(judge({ alerts: [{ ...over, endsAt: ago(299) }] })).toEqual([
      { id: "alert-cleared-just-now", message: "RelayHighErrorRate is over for 4 m 59 s only: 5 m are wanted." },
    ]);
    expect(ids({ alerts: [{ ...over, endsAt: ago(300) }] })).toEqual([]);
    expect(ids({ alerts: [{ ...over, endsAt: ago(1) }], clearSeconds: 0 })).toEqual([]);
  });
});

describe("what could not be seen", () => {
  const blind = (sourceId: string, endedAt: Date | null, beganAt = ago(600)) => ({
    sourceId,
    source: "embedded",
    beganAt,
    endedAt,
  });

  test("is not taken for good: an end that was told while its source was blind, and the blindness itself", () => {
    expect(ids({ blindness: [blind("a", null)] })).toEqual(["indicator-unknown", "indicator-unknown"]);
  });

  test("counts until a source has been seen for as long as an alert must be over", () => {
    expect(ids({ blindness: [blind("a", ago(299))] })).toEqual(["indicator-unknown"]);
    expect(ids({ blindness: [blind("a", ago(300))] })).toEqual([]);
  });

  test("of another source than the alerts' says nothing; without an alert any source may have one", () => {
    expect(ids({ blindness: [blind("b", null)] })).toEqual([]);
    expect(ids({ blindness: [blind("b", null)], alerts: [] })).toEqual(["indicator-unknown"]);
    expect(ids({ blindness: [blind("b", null)], alerts: [], hasServices: false, recovery: null })).toEqual([]);
  });
});

describe("the indicator speaks against it", () => {
  test("while it is bad, or was and has not been good for a whole window", () => {
    expect(ids({ recovery: { ...recovered, state: "bad" } })).toEqual(["indicator-bad"]);
    expect(ids({ recovery: { ...recovered, recoveredAt: null } })).toEqual(["indicator-bad"]);
    expect(ids({ recovery: { ...recovered, recoveredAt: null, wasBad: false } })).toEqual([]);
  });

  test("while nothing is measured, or nobody has looked for a minute", () => {
    expect(ids({ recovery: { ...recovered, state: "unknown" } })).toEqual(["indicator-unknown"]);
    expect(ids({ recovery: { ...recovered, lookedAt: ago(61).toISOString() } })).toEqual(["indicator-unknown"]);
    expect(ids({ recovery: null })).toEqual(["indicator-unknown"]);
  });

  test("not where no service is concerned, so that there is nothing to measure", () => {
    expect(ids({ recovery: null, alerts: [], hasServices: false })).toEqual([]);
  });
});
