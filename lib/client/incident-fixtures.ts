import { figuresOf } from "#lib/domain/incidents/clock.ts";
import type {
  IncidentCommands,
  IncidentDetail,
  IncidentSuspect,
  IncidentView,
  Recovery,
  TimelineRow,
} from "#lib/domain/incidents/schemas.ts";

const clock: IncidentView["clock"] = {
  impactStartedAt: "2026-11-21T11:50:00.000Z",
  impactStartSource: "alert",
  detectedAt: "2026-11-21T11:51:00.000Z",
  acknowledgedAt: null,
  mitigatedAt: null,
  resolvedAt: null,
};

const commands: IncidentCommands = {
  acknowledge: null,
  assess: null,
  mitigate: null,
  resolve: null,
  reopen: "Nothing of it is over yet.",
  document: "Resolve it first.",
};

/** INC-12, a P2 on fleet/relay that nobody has taken, opened by an alert; for tests. */
export function anIncident(over: Partial<IncidentDetail> = {}): IncidentDetail {
  const times = over.clock ?? clock;
  return {
    id: "0197a000-0000-7000-8000-000000000012",
    number: 12,
    title: "Documents open slowly",
    severity: "P2",
    step: "detect",
    origin: "alert",
    isDrill: false,
    services: [{ namespace: "fleet", name: "relay" }],
    clock: times,
    figures: figuresOf(times),
    commander: null,
    openedBy: "Switchyard",
    escalatesAt: "2026-11-21T12:06:00.000Z",
    needsPostmortem: true,
    version: 3,
    after: null,
    timelineTotal: over.timeline?.length ?? 1,
    overrideReason: null,
    people: [],
    timeline: [aTimelineRow()],
    links: [],
    checks: [],
    commands,
    resolveBlockers: [],
    recovery: null,
    recoveries: [],
    recoveredAt: null,
    verdicts: [],
    suspects: [],
    ...over,
  };
}

/** What Switchyard wrote of an alert, for tests. */
export function aTimelineRow(over: Partial<TimelineRow> = {}): TimelineRow {
  return {
    id: "row-1",
    at: "2026-11-21T11:51:00.000Z",
    recordedAt: "2026-11-21T11:51:05.000Z",
    kind: "alert",
    message: "RelayHighLatency fires.",
    by: "Alertmanager",
    source: "alert-transition/1",
    href: "/fleet/fleet/relay?from=1&to=2",
    audience: null,
    editedAt: null,
    editedBy: null,
    isHidden: false,
    ...over,
  };
}

/** The rollout of 2.1.0 two minutes before the impact, for tests. */
export function aSuspect(over: Partial<IncidentSuspect> = {}): IncidentSuspect {
  return {
    auditId: "audit-1",
    at: "2026-11-21T11:48:00.000Z",
    verb: "image",
    actorKind: "user",
    actor: "ana",
    reason: "the new cache",
    service: "fleet/relay",
    rolloutId: null,
    secondsBefore: 120,
    relation: "same-service",
    closeness: "2 m before, on relay itself",
    change: "2.0.0 → 2.1.0",
    before: { requestsPerSecond: 40, errorRatio: 0.001, latencyP95Seconds: 0.02 },
    after: { requestsPerSecond: 40, errorRatio: 0.001, latencyP95Seconds: 0.4 },
    ...over,
  };
}

/** What relay's prober saw of its latency while it is bad, for tests. */
export function aRecovery(over: Partial<Recovery> = {}): Recovery {
  return {
    service: "fleet/relay",
    indicator: { name: "latency-p95", title: "Latency, p95", short: "p95", unit: "seconds", limit: 0.2, bad: "above" },
    windowSeconds: 30,
    before: 0.02,
    during: 0.45,
    now: 0.4,
    after: null,
    state: "bad",
    goodSince: null,
    recoveredAt: null,
    points: [
      { at: "2026-11-21T11:49:00.000Z", value: 0.02 },
      { at: "2026-11-21T11:50:00.000Z", value: 0.45 },
      { at: "2026-11-21T11:51:00.000Z", value: null },
      { at: "2026-11-21T11:52:00.000Z", value: 0.4 },
    ],
    others: [],
    ...over,
  };
}
