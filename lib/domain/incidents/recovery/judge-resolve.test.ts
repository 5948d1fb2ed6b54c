import { describe, expect, test } from "vitest";
import type { Indicator } from "./indicators.ts";
import { type GateAlert, judgeResolve, type ResolveFacts } from "./judge-resolve.ts";
import { beginIndicator, type StoredRecovery, type WatchedIndicator } from "./recovery.ts";

const now = new Date("2026-03-01T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

const errors: Indicator = {
  name: "error-ratio",
  title: "Failed operations",
  short: "failed operations",
  unit: "ratio",
  limit: 0.01,
  bad: "above",
  expr: "e",
  standsInFor: null,
};
const good: WatchedIndicator = {
  ...beginIndicator(errors, ago(900)),
  lookedAt: ago(3).toISOString(),
  state: "good",
  wasBad: true,
  wasKnown: true,
  now: 0,
  goodSince: ago(400).toISOString(),
  recoveredAt: ago(400).toISOString(),
};
const recovery = (...indicators: Partial<WatchedIndicator>[]): StoredRecovery => ({
  impactStartedAt: ago(900).toISOString(),
  windowSeconds: 30,
  named: [],
  soughtFrom: null,
  indicators: indicators.map((over) => ({ ...good, ...over })),
});
const over: GateAlert = {
  id: "a1",
  name: "RelayHighErrorRate",
  service: "fleet/relay",
  sourceId: "a",
  state: "resolved",
  startsAt: ago(900),
  endsAt: ago(301),
  silencedBy: [],
  inhibited: false,
  silence: null,
};
const relay = (...indicators: Partial<WatchedIndicator>[]) => ({ service: "fleet/relay", recovery: recovery(...indicators) });
const facts: ResolveFacts = { alerts: [over], blindness: [], services: [relay({})], clearSeconds: 300 };
const judge = (changed: Partial<ResolveFacts>) => judgeResolve({ ...facts, ...changed }, now);
const ids = (changed: Partial<ResolveFacts>) => judge(changed).map(({ id }) => id);

test("nothing speaks against it when its alerts are over for long enough and its indicator has recovered", () => {
  expect(judge({})).toEqual([]);
});

describe("an alert speaks against it", () => {
  const firing: GateAlert = { ...over, state: "firing", endsAt: null };
  test("while it fires", () => {
    expect(judge({ alerts: [over, firing] })).toEqual([
      { id: "alert-fires", message: "RelayHighErrorRate fires since 11:45:00 UTC.", href: "/alerts/a1" },
    ]);
  });

  test("while a silence or another alert hides it", () => {
    expect(ids({ alerts: [{ ...firing, silencedBy: ["s"] }] })).toEqual(["silenced"]);
    expect(ids({ alerts: [{ ...firing, inhibited: true }] })).toEqual(["alert-fires"]);
    expect(ids({ alerts: [{ ...over, silence: "a silence by olga until 14:00 UTC" }] })).toEqual(["silenced"]);
  });

  test("not while it counts the harm of hours and its service has been good for as long as alerts must be over", () => {
    const burn = { ...firing, name: "ErrorBudgetBurn" };
    expect(ids({ alerts: [burn, { ...burn, inhibited: true }] })).toEqual([]);
    expect(ids({ alerts: [{ ...burn, service: null }] })).toEqual([]);
    expect(ids({ alerts: [burn], services: [relay({ goodSince: ago(299).toISOString() })] })).toEqual(["alert-fires"]);
    expect(ids({ alerts: [burn], services: [relay({ state: "unknown" })] })).toEqual(["alert-fires", "indicator-unknown"]);
    expect(ids({ alerts: [{ ...burn, service: "fleet/hub" }] })).toEqual(["alert-fires"]);
  });

  test("until it has been over for the time that is set, to the second", () => {
    expect(judge({ alerts: [{ ...over, endsAt: ago(299) }] })).toEqual([
      {
        id: "alert-cleared-just-now",
        message: "RelayHighErrorRate is over for 4 m 59 s only: 5 m are wanted.",
        href: "/alerts/a1",
      },
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
    expect(ids({ blindness: [blind("a", null)] })).toEqual(["indicator-unknown"]);
    expect(ids({ blindness: [blind("a", null)], alerts: [{ ...over, state: "firing", endsAt: null }] })).toEqual([
      "indicator-unknown",
    ]);
  });

  test("counts until a source has been seen for as long as an alert must be over", () => {
    expect(ids({ blindness: [blind("a", ago(299))] })).toEqual(["indicator-unknown"]);
    expect(ids({ blindness: [blind("a", ago(300))] })).toEqual([]);
  });

  test("of another source than the alerts' says nothing; without an alert any source may have one", () => {
    expect(ids({ blindness: [blind("b", null)] })).toEqual([]);
    expect(ids({ blindness: [blind("b", null)], alerts: [] })).toEqual(["indicator-unknown"]);
  });
});

describe("a service speaks against it", () => {
  test("while one of its indicators is bad, or has not been good for a whole window, whether or not it ever was bad", () => {
    expect(ids({ services: [relay({ state: "bad", goodSince: null })] })).toEqual(["indicator-bad"]);
    expect(ids({ services: [relay({}, { name: "latency-p95", state: "bad", goodSince: null })] })).toEqual(["indicator-bad"]);
    const young = { goodSince: ago(32).toISOString(), wasBad: false, recoveredAt: null };
    expect(ids({ services: [relay(young)] })).toEqual(["indicator-bad"]);
    expect(ids({ services: [relay({ ...young, goodSince: ago(33).toISOString() })] })).toEqual([]);
  });

  test("while nothing is measured, or nobody has looked for a minute", () => {
    expect(ids({ services: [relay({ state: "unknown" })] })).toEqual(["indicator-unknown"]);
    expect(ids({ services: [relay({ lookedAt: ago(61).toISOString() })] })).toEqual(["indicator-unknown"]);
    expect(ids({ services: [{ service: "fleet/relay", recovery: null }] })).toEqual(["indicator-unknown"]);
    expect(ids({ services: [relay()] })).toEqual(["indicator-unknown"]);
  });

  test("by itself, though another one is good", () => {
    const hub = { service: "fleet/hub", recovery: recovery({ state: "bad", goodSince: null }) };
    expect(judge({ services: [relay({}), hub] })).toEqual([
      { id: "indicator-bad", message: "fleet/hub, failed operations: still above the limit.", href: "/fleet/fleet/hub" },
    ]);
    expect(ids({ services: [relay({}), { service: "fleet/hub", recovery: null }] })).toEqual(["indicator-unknown"]);
  });

  test("not by an indicator that it never had, unless an alert names it", () => {
    const never = { name: "latency-p95", state: "unknown", goodSince: null, wasBad: false, wasKnown: false } as const;
    expect(ids({ services: [relay({}, never)] })).toEqual([]);
    const named = { service: "fleet/relay", recovery: { ...recovery({}, never), named: ["latency-p95" as const] } };
    expect(ids({ services: [named] })).toEqual(["indicator-unknown"]);
    const standIn = { name: "own-latency-p95", standsInFor: "latency-p95" } as const;
    expect(
      ids({ services: [{ ...named, recovery: { ...named.recovery, indicators: recovery({}, never, standIn).indicators } }] }),
    ).toEqual([]);
  });
});

test("where it names neither a service nor an alert there is no evidence at all", () => {
  expect(ids({ alerts: [], services: [] })).toEqual(["no-evidence"]);
  expect(ids({ services: [] })).toEqual([]);
});
