import { describe, expect, test } from "vitest";
import { filterSchema, matches, type NotificationEvent, rankOf } from "./events.ts";
import { describeIncident, type ToldIncident } from "./incident-texts.ts";
import { describeAlertChange, describeFeedLost, describeRolloutEnd, describeSilenceExpiry } from "./texts.ts";

const at = new Date("2026-11-21T03:04:05Z");
const alert = {
  episodeId: "e1",
  kind: "fired" as const,
  name: "RelayHighLatency",
  severity: "critical",
  namespace: "fleet",
  service: "relay",
  summary: "p95 is 120 ms.",
  startsAt: at,
  endsAt: null,
};
const rollout = {
  id: "r1",
  namespace: "fleet",
  service: "relay",
  change: "image",
  fromVersion: "2.0.0",
  toVersion: "2.1.0",
  toReplicas: 3,
};
const fired = describeAlertChange(alert);
const resolved = describeAlertChange({ ...alert, kind: "resolved", endsAt: new Date(at.getTime() + 192_000) });
const incident: ToldIncident = {
  id: "i1",
  number: 12,
  title: "Writes are slow",
  severity: "P2",
  isDrill: false,
  version: 3,
  services: ["hub", "relay"].map((service) => ({ namespace: "fleet", service })),
};
const opened = describeIncident(incident, { event: "incident-opened", by: "olga" }, at);
const feed = describeFeedLost({ id: "prometheus", name: "Prometheus", error: "refused.", since: at });

function passes(event: NotificationEvent | null, filter: object): boolean {
  return (
    event !== null && matches(filterSchema.parse({ events: ["alert-fired", "alert-resolved", "feed-lost"], ...filter }), event)
  );
}

describe("a filter", () => {
  test("without severities and services lets its kinds pass, and no other", () => {
    expect([fired, resolved, feed].map((event) => passes(event, {}))).toEqual([true, true, true]);
    expect(passes(fired, { events: ["alert-resolved"] })).toBe(false);
  });

  test("chooses among alerts by severity, and leaves what is no alert alone", () => {
    const filter = { severities: ["warning"] };
    expect([fired, feed].map((event) => passes(event, filter))).toEqual([false, true]);
    expect(passes(describeAlertChange({ ...alert, severity: "warning" }), filter)).toBe(true);
    expect(passes(describeAlertChange({ ...alert, severity: "none" }), { severities: ["none"] })).toBe(true);
  });

  test("chooses by service with its namespace, and an alert without one is about none of them", () => {
    expect(passes(fired, { services: ["fleet/relay"] })).toBe(true);
    expect(passes(fired, { services: ["other/relay", "fleet/hub"] })).toBe(false);
    expect(passes(describeAlertChange({ ...alert, service: null }), { services: ["fleet/relay"] })).toBe(false);
    expect(passes(feed, { services: ["fleet/relay"] })).toBe(true);
  });

  test("chooses among incidents by P1 to P4, among alerts by their own severities", () => {
    const events = ["incident-opened", "alert-fired"];
    const passing = (severities: string[]) => [opened, fired].map((event) => passes(event, { events, severities }));
    expect([["P1"], ["P1", "P2"], ["warning"], ["P2", "critical"], ["P1", "info"]].map(passing)).toEqual([
      [false, true],
      [true, true],
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  test("lets an incident of several services pass by any of them, and one of none by any filter", () => {
    const events = ["incident-opened"];
    expect(passes(opened, { events, services: ["fleet/relay"] })).toBe(true);
    expect(passes(opened, { events, services: ["fleet/edge"] })).toBe(false);
    const unplaced = describeIncident({ ...incident, services: [] }, { event: "incident-opened", by: "olga" }, at);
    expect(passes(unplaced, { events, services: ["fleet/edge"] })).toBe(true);
  });

  test("never holds up a test", () => {
    expect(passes({ ...fired, event: "test" }, { severities: ["info"], services: ["a/b"] })).toBe(true);
  });

  test("wants at least one kind, and services written with their namespace", () => {
    expect(filterSchema.safeParse({ events: [] }).success).toBe(false);
    expect(filterSchema.safeParse({ events: ["test"] }).success).toBe(false);
    expect(filterSchema.safeParse({ events: ["alert-fired"], services: ["relay"] }).success).toBe(false);
  });
});

describe("the texts", () => {
  test("say on one line what is wrong and where, and how long it lasted", () => {
    expect(fired.title).toBe("Critical: RelayHighLatency on fleet/relay");
    expect(resolved.title).toBe("Resolved after 3 m 12 s: RelayHighLatency on fleet/relay");
    expect(describeAlertChange({ ...alert, severity: "none", namespace: null, service: null }).title).toBe(
      "Firing: RelayHighLatency",
    );
  });

  test("tell the end of a rollout, but not that it was superseded", () => {
    const end = (state: "complete" | "failed" | "aborted" | "superseded" | "paused") =>
      describeRolloutEnd(rollout, { state, message: "Why." }, at);
    expect(end("complete")).toMatchObject({
      event: "rollout-finished",
      title: "Rollout from 2.0.0 to 2.1.0 of fleet/relay is complete",
    });
    expect(end("failed")).toMatchObject({ event: "rollout-failed", text: "Why.", path: "/rollouts/r1" });
    expect(end("aborted")).toMatchObject({
      event: "rollout-aborted",
      title: expect.stringMatching(/of fleet\/relay was aborted$/),
    });
    expect([end("superseded"), end("paused")]).toEqual([null, null]);
  });

  test("tell of a silence again when its end was moved", () => {
    const silence = { id: "s1", source: "embedded", matchers: 'alertname="X"', createdBy: "olga", comment: "work", endsAt: at };
    const now = new Date(at.getTime() - 600_000);
    const first = describeSilenceExpiry(silence, now);
    expect(first.title).toBe('Silence ends in 10 m: alertname="X"');
    expect(describeSilenceExpiry(silence, new Date(now.getTime() + 60_000)).key).toBe(first.key);
    expect(describeSilenceExpiry({ ...silence, endsAt: now }, now).key).not.toBe(first.key);
  });

  test("tell of an incident once for each thing that happens to it, and say when it is a drill", () => {
    expect(opened).toMatchObject({
      key: "incident/i1/opened",
      title: "P2 INC-12: Writes are slow",
      text: "Opened by olga. It concerns fleet/hub, fleet/relay.",
      severity: "P2",
      path: "/incidents/i1",
    });
    const changed = (version: number) =>
      describeIncident({ ...incident, version }, { event: "incident-severity-changed", from: "P3" }, at);
    expect(changed(4).title).toBe("INC-12 is now P2, before P3: Writes are slow");
    expect(changed(5).key).not.toBe(changed(4).key);
    const again = describeIncident(incident, { event: "incident-opened", by: "olga", isAgain: true }, at);
    expect(again).toMatchObject({ key: "incident/i1/opened/3", title: "P2 INC-12 is open again: Writes are slow" });
    const overdue = describeIncident({ ...incident, isDrill: true }, { event: "incident-escalated", minutes: 15, times: 2 }, at);
    expect(overdue).toMatchObject({
      key: "incident/i1/escalated/2",
      title: "Drill: Nobody has acknowledged P2 INC-12 for 15 m: Writes are slow",
    });
    const text = `We are back. ${"It was the relay. ".repeat(100)}`.trim();
    const update = describeIncident(incident, { event: "external-update", by: "olga", text }, at);
    expect(update).toMatchObject({
      key: "incident/i1/update/3",
      text,
      title: "INC-12, an update for those outside: Writes are slow",
    });
    const end = describeIncident(incident, { event: "incident-resolved", lasted: "2 h", overrideReason: "moved" }, at);
    expect(end.text).toBe("Resolved in spite of the evidence: moved. It concerns fleet/hub, fleet/relay.");
  });

  test("are cut to a bound", () => {
    const long = describeAlertChange({ ...alert, name: "x".repeat(1000), summary: "y".repeat(5000) });
    expect([long.title.length, long.text.length]).toEqual([200, 600]);
  });
});

test("what fires comes before what ended, and critical before the rest", () => {
  const order = [fired, describeAlertChange({ ...alert, severity: "warning" }), resolved].map(rankOf);
  expect(order).toEqual(order.toSorted());
  expect(new Set(order).size).toBe(3);
});
