import { describe, expect, it } from "vitest";
import { anIncident, aRecovery, aTimelineRow } from "./incident-fixtures.ts";
import {
  byWeight,
  commandSentence,
  incidentsFilter,
  incidentsViewParameters,
  isBurning,
  onServices,
  parseIncidentsView,
  readLink,
  recoverySentence,
  reportOfAlert,
  shownCommands,
  timelineRows,
} from "./incident-view.ts";

const acknowledgedAt = "2026-11-21T11:52:00.000Z";
const resolvedAt = "2026-11-21T12:30:00.000Z";

describe("what burns", () => {
  it("is an open P1 or P2 that is no drill", () => {
    const { clock } = anIncident();
    expect(isBurning(anIncident())).toBe(true);
    expect(isBurning(anIncident({ severity: "P3" }))).toBe(false);
    expect(isBurning(anIncident({ isDrill: true }))).toBe(false);
    expect(isBurning(anIncident({ clock: { ...clock, resolvedAt } }))).toBe(false);
  });

  it("has the worst first, of those the newest, and drills last", () => {
    const { clock } = anIncident();
    const order = [
      anIncident({ number: 1, isDrill: true, severity: "P1" }),
      anIncident({ number: 2, severity: "P3" }),
      anIncident({ number: 3, severity: "P1" }),
      anIncident({ number: 4, severity: "P1", clock: { ...clock, impactStartedAt: "2026-11-21T11:55:00.000Z" } }),
    ];
    expect(order.sort(byWeight).map(({ number }) => number)).toEqual([4, 3, 2, 1]);
  });
});

describe("the commands of an incident", () => {
  const { clock, commands } = anIncident();
  const shown = (over: Parameters<typeof anIncident>[0]) => shownCommands(anIncident(over));

  it("begin with its acknowledgement", () => {
    expect(shown({})).toEqual({ shown: ["acknowledge", "mitigate", "resolve"], next: "acknowledge" });
  });

  it("go on with what is allowed where it stands, and offer the way back once it is mitigated", () => {
    const taken = { ...clock, acknowledgedAt };
    expect(shown({ step: "assess", clock: taken }).next).toBe("assess");
    const mitigated = { assess: "It is assessed already.", mitigate: "It is mitigated already.", reopen: null };
    expect(shown({ step: "resolve", clock: taken, commands: { ...commands, ...mitigated } })).toEqual({
      shown: ["resolve", "reopen"],
      next: "resolve",
    });
  });

  it("end with the resolution as soon as its services have recovered and nothing speaks against it", () => {
    const recovered = { step: "assess" as const, clock: { ...clock, acknowledgedAt }, recoveredAt: "2026-11-21T11:58:00.000Z" };
    const fires = { id: "alert-fires" as const, message: "RelayHighLatency fires." };
    expect(shown({ ...recovered, resolveBlockers: [] }).next).toBe("resolve");
    expect(shown({ ...recovered, resolveBlockers: [fires] }).next).toBe("assess");
    expect(shown({ ...recovered, recoveredAt: null, resolveBlockers: [] }).next).toBe("assess");
  });

  it("keep the documentation in sight while its postmortem is missing, and press nobody", () => {
    const over = { ...commands, document: "Publish its postmortem first.", reopen: null };
    const at = { ...clock, acknowledgedAt, resolvedAt };
    expect(shown({ step: "document", clock: at, commands: over })).toEqual({ shown: ["document", "reopen"], next: null });
    expect(shown({ step: "done", clock: at, commands: over }).shown).toEqual(["reopen"]);
  });

  it("are told in whole sentences", () => {
    expect(commandSentence("mitigate", { number: 12 })).toBe("Mark INC-12 mitigated");
    expect(commandSentence("resolve", { number: 12 })).toBe("Resolve INC-12");
  });
});

describe("a timeline", () => {
  const rows = [
    aTimelineRow({ id: "1", at: "2026-11-21T11:51:00.000Z" }),
    aTimelineRow({ id: "2", at: "2026-11-21T11:53:00.000Z", kind: "note" }),
    aTimelineRow({ id: "3", at: "2026-11-21T11:52:00.000Z", kind: "rollout", isHidden: true }),
  ];
  const ids = (...args: Parameters<typeof timelineRows>) => timelineRows(...args).map(({ id }) => id);

  it("has the newest first, and what is hidden only on demand", () => {
    expect(ids(rows, "all", false)).toEqual(["2", "1"]);
    expect(ids(rows, "all", true)).toEqual(["2", "3", "1"]);
  });

  it("can be narrowed to a kind", () => {
    expect(ids(rows, "people", true)).toEqual(["2"]);
    expect(ids(rows, "changes", true)).toEqual(["3"]);
    expect(ids(rows, "alerts", true)).toEqual(["1"]);
  });
});

it("never calls what is not known a recovery", () => {
  expect(recoverySentence(aRecovery())).toBe("Latency, p95 is 400 ms, above the limit of 200 ms.");
  expect(recoverySentence(aRecovery({ state: "unknown", now: null, recoveredAt: resolvedAt }))).toContain("is not known now");
  expect(recoverySentence(aRecovery({ state: "good", now: 0.02, goodSince: resolvedAt }))).toContain("once it stays so");
});

it("keeps what a person looks at in the address, and asks for it", () => {
  const view = parseIncidentsView(new URLSearchParams("state=all&severity=P1&service=fleet/relay&drills=only&q=slow"));
  expect(incidentsFilter(view)).toEqual({
    severity: "P1",
    namespace: "fleet",
    service: "relay",
    drills: "only",
    search: "slow",
  });
  expect(incidentsViewParameters(view)).toEqual({
    state: "all",
    severity: "P1",
    service: "fleet/relay",
    drills: "only",
    q: "slow",
  });
  expect(incidentsFilter(parseIncidentsView(new URLSearchParams("severity=P9&state=odd")))).toEqual({ state: "open" });
});

it("reads what a pasted address names", () => {
  const id = "0197a000-0000-7000-8000-000000000001";
  expect(readLink(`https://switchyard.example/alerts/${id}?tab=x`)).toEqual({ kind: "alert", targetId: id });
  expect(readLink(`/audit?actor=ana&entry=${id}`)).toEqual({ kind: "action", targetId: id });
  expect(readLink("/fleet/fleet/relay")).toBeNull();
});

it("begins a report of an alert with its sentence, its service and its start", () => {
  const alert = {
    id: "alert-1",
    name: "RelayHighLatency",
    severity: "critical",
    startsAt: "2026-11-21T11:50:00.000Z",
    annotations: { summary: "p95 of relay is 400 ms." },
    namespace: "fleet",
    service: "relay",
  };
  expect(reportOfAlert(alert)).toEqual({
    title: "p95 of relay is 400 ms.",
    severity: "P1",
    services: ["fleet/relay"],
    impactStartedAt: "2026-11-21T11:50:00.000Z",
    links: [{ kind: "alert", targetId: "alert-1" }],
  });
  expect(reportOfAlert({ ...alert, severity: "warning", namespace: null }).services).toEqual([]);
});

it("finds the incidents of a service, and not those of one that is called alike", () => {
  const other = anIncident({ number: 13, services: [{ namespace: "other", name: "relay" }] });
  expect(onServices([anIncident(), other], ["fleet/relay"]).map(({ number }) => number)).toEqual([12]);
});
