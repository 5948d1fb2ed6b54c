import { describe, expect, test } from "vitest";
import type { AlertmanagerAlert } from "#lib/alertmanager/schemas.ts";
import { judgeBlindness, type SourceContact } from "./blind-windows.ts";
import { type MemberAnswer, minAbsenceMs, type OpenAlert, planReconcile, restartGraceMs } from "./reconcile-plan.ts";

const now = 10_000_000;
const start = now - 600_000;

function alert(fingerprint: string, extra: Partial<AlertmanagerAlert> = {}): AlertmanagerAlert {
  return {
    fingerprint,
    labels: { alertname: fingerprint },
    annotations: {},
    startsAt: new Date(start),
    endsAt: new Date(now + 240_000),
    updatedAt: new Date(now - 1_000),
    generatorUrl: null,
    state: "active",
    silencedBy: [],
    inhibitedBy: [],
    ...extra,
  };
}
const watchdog = alert("w", { labels: { alertname: "Watchdog" } });
const answer = (alerts: AlertmanagerAlert[], extra: Partial<MemberAnswer> = {}): MemberAnswer => ({
  startedAt: new Date(now - 3_600_000),
  hasRestarted: false,
  alerts,
  ...extra,
});
const open = (fingerprint: string, extra: Partial<OpenAlert> = {}): OpenAlert => ({
  fingerprint,
  startsAt: start,
  receivedAt: start + 5_000,
  missingSince: null,
  silencedBy: [],
  inhibited: false,
  ...extra,
});
const plan = (known: OpenAlert[], answers: MemberAnswer[], hasWatchdog = true) =>
  planReconcile({ open: known, answers, unreachable: 0, beganAt: now, hasWatchdog });
const missedBefore = { missingSince: now - minAbsenceMs };
const nothing = { seen: [], missing: [], gone: [], found: [] };

describe("polls of a source's Alertmanagers", () => {
  test("that find what is stored change nothing", () => {
    expect(plan([open("a")], [answer([watchdog, alert("a")])])).toEqual(nothing);
  });

  test("tell of alerts that no webhook told, but never of the Watchdog", () => {
    expect(plan([], [answer([watchdog, alert("a")])]).seen.map(({ fingerprint }) => fingerprint)).toEqual(["a"]);
  });

  test("end an alert only when a second one does not find it either", () => {
    expect(plan([open("a")], [answer([watchdog])])).toEqual({ ...nothing, missing: ["a"] });
    expect(plan([open("a", { missingSince: now - minAbsenceMs + 1 })], [answer([watchdog])])).toEqual(nothing);
    expect(plan([open("a", missedBefore)], [answer([watchdog])])).toEqual({ ...nothing, gone: ["a"] });
  });

  test("end no alert that one reachable member still holds", () => {
    const answers = [answer([watchdog]), answer([watchdog, alert("a")])];
    expect(plan([open("a", missedBefore)], answers)).toEqual({ ...nothing, found: ["a"] });
  });

  test("end nothing when the members were started lately, for they know nothing yet", () => {
    const young = answer([watchdog], { startedAt: new Date(now - restartGraceMs + 1) });
    for (const one of [young, answer([watchdog], { hasRestarted: true })]) {
      expect(plan([open("a")], [one])).toEqual(nothing);
      expect(plan([open("a", missedBefore)], [one])).toEqual({ ...nothing, found: ["a"] });
    }
    expect(plan([open("a", missedBefore)], [young, answer([watchdog])]).gone).toEqual(["a"]);
  });

  test("end nothing while the Watchdog is missing, for then no alert can arrive", () => {
    expect(plan([open("a", missedBefore)], [answer([])])).toEqual({ ...nothing, found: ["a"] });
    expect(plan([open("a", missedBefore)], [answer([])], false).gone).toEqual(["a"]);
  });

  test("that began before a webhook told of an alert do not end it", () => {
    expect(plan([open("a", { receivedAt: now, ...missedBefore })], [answer([watchdog])])).toEqual(nothing);
  });

  test("notice silences of any member, inhibition, and a start that moved back", () => {
    const silenced = answer([watchdog, alert("a", { silencedBy: ["s2", "s1"] })]);
    expect(plan([open("a")], [silenced, answer([watchdog, alert("a")])]).seen).toMatchObject([{ silencedBy: ["s1", "s2"] }]);
    expect(plan([open("a", { silencedBy: ["s2", "s1"] })], [silenced]).seen).toEqual([]);
    expect(plan([open("a", { silencedBy: ["s1"] })], [answer([watchdog, alert("a")])]).seen).toHaveLength(1);
    expect(plan([open("a")], [answer([watchdog, alert("a", { inhibitedBy: ["b"] })])]).seen).toMatchObject([{ inhibited: true }]);
    const earlier = alert("a", { startsAt: new Date(start - 5), updatedAt: new Date(now - 9_000) });
    expect(plan([open("a")], [answer([watchdog, alert("a")]), answer([watchdog, earlier])]).seen).toMatchObject([
      { startsAt: start - 5, heardAt: now - 1_000 },
    ]);
  });
});

test("a start that all members know to be later is looked at, but not while one of them is away or was just started", () => {
  const known = [open("a", { startsAt: start - 1 })];
  const answers = [answer([watchdog, alert("a")]), answer([watchdog, alert("a")])];
  const input = { open: known, answers, unreachable: 0, beganAt: now, hasWatchdog: true };
  expect(planReconcile(input).seen).toMatchObject([{ startsAt: start, isWhole: true }]);
  expect(planReconcile({ ...input, unreachable: 1 }).seen).toEqual([]);
  expect(planReconcile({ ...input, answers: [...answers, answer([watchdog], { hasRestarted: true })] }).seen).toEqual([]);
});

test("a later start says nothing while one of the members has not heard of the alert: it may hear of an earlier one", () => {
  const known = [open("a", { startsAt: start - 1 })];
  expect(plan(known, [answer([watchdog, alert("a")]), answer([watchdog])]).seen).toEqual([]);
});

describe("a source", () => {
  const at = new Date(now);
  const ago = (seconds: number) => new Date(now - seconds * 1000);
  const heard: SourceContact = {
    createdAt: ago(86_400),
    lastReceivedAt: ago(300),
    watchdogAt: ago(5),
    members: [{ lastPolledAt: ago(5), failingSince: null }],
  };

  test("that answers and has its Watchdog is heard", () => {
    expect(judgeBlindness(heard, at)).toBeNull();
  });

  test("is blind since its Watchdog was last there", () => {
    expect(judgeBlindness({ ...heard, watchdogAt: ago(60) }, at)).toBeNull();
    expect(judgeBlindness({ ...heard, watchdogAt: ago(61) }, at)).toEqual({ reason: "watchdog-missing", since: ago(61) });
  });

  test("that never had one is heard while it answers or sends", () => {
    const plain = { ...heard, watchdogAt: null };
    expect(judgeBlindness(plain, at)).toBeNull();
    const failing = [{ lastPolledAt: ago(36), failingSince: ago(30) }];
    expect(judgeBlindness({ ...plain, members: failing }, at)).toEqual({ reason: "unreachable", since: ago(36) });
    expect(judgeBlindness({ ...plain, members: failing, lastReceivedAt: ago(10) }, at)).toBeNull();
  });

  test("that was never reached is blind since it was made", () => {
    const members = [{ lastPolledAt: null, failingSince: ago(20) }];
    const unheard = { createdAt: ago(40), lastReceivedAt: null, watchdogAt: null, members };
    expect(judgeBlindness(unheard, at)).toEqual({ reason: "unreachable", since: ago(40) });
  });

  test("was not listened to when nobody asked it", () => {
    const members = [{ lastPolledAt: ago(90), failingSince: null }];
    expect(judgeBlindness({ ...heard, watchdogAt: ago(95), members }, at)).toEqual({ reason: "not-listening", since: ago(95) });
  });

  test("without an address to poll is judged by its Watchdog alone, which webhooks repeat seldom", () => {
    const told = { ...heard, members: [], lastReceivedAt: ago(3_000), watchdogAt: ago(900) };
    expect(judgeBlindness(told, at)).toBeNull();
    expect(judgeBlindness({ ...told, watchdogAt: ago(901) }, at)).toEqual({ reason: "watchdog-missing", since: ago(901) });
    expect(judgeBlindness({ ...told, watchdogAt: null }, at)).toBeNull();
  });
});
