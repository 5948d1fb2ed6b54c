import type { Impact, PostmortemFacts } from "./schemas.ts";

export const testImpact: Impact = {
  from: "2026-11-21T12:00:00.000Z",
  to: "2026-11-21T12:05:40.000Z",
  until: "recovered",
  measuredAt: "2026-11-21T12:30:00.000Z",
  problem: null,
  services: [
    {
      service: "fleet/relay",
      own: { bad: 1234.4, all: 60_000 },
      probes: { bad: 3, all: 300 },
      connections: { before: 480, most: 512 },
      latencyP95: { before: 0.0123, during: 0.81 },
      budgets: [{ kind: "availability", target: 0.999, windowDays: 30, spent: 0.1234, seenBy: "prober" }],
    },
  ],
};

const indicator = {
  name: "latency-p95",
  title: "p95 latency",
  short: "p95",
  unit: "seconds",
  limit: 0.05,
  bad: "above",
} as const;

/** What is known of an incident of a slow relay that was rolled back. */
export const testFacts: PostmortemFacts = {
  readAt: "2026-11-21T12:30:00.000Z",
  isFrozen: false,
  number: 12,
  title: "The relay is slow",
  severity: "P1",
  isDrill: false,
  services: ["fleet/relay"],
  clock: {
    impactStartedAt: "2026-11-21T12:00:00.000Z",
    impactStartSource: "measured",
    detectedAt: "2026-11-21T12:01:30.000Z",
    acknowledgedAt: "2026-11-21T12:03:00.000Z",
    mitigatedAt: "2026-11-21T12:10:00.000Z",
    resolvedAt: null,
  },
  openedBy: "Switchyard",
  noticedBy: "an alert",
  commander: "olga",
  responders: ["otto"],
  overrideReason: null,
  timeline: [
    {
      at: "2026-11-21T11:58:00.000Z",
      kind: "action",
      message: "Image of relay: 2.0.0 → 2.1.0. Reason: [slow] one",
      by: "otto",
      href: "/fleet/fleet/relay?from=1&to=2",
    },
    { at: "2026-11-21T12:01:30.000Z", kind: "alert", message: "RelayHighLatency fires", by: "Switchyard", href: null },
    { at: "2026-11-21T12:02:00.000Z", kind: "note", message: "Is it | the\n**image**?", by: "olga", href: null },
    {
      at: "2026-11-21T12:05:00.000Z",
      kind: "action",
      message: "Rollback of relay: to revision 7.",
      by: "olga",
      href: "/fleet/fleet/relay?from=3&to=4",
    },
    {
      at: "2026-11-21T12:05:41.000Z",
      kind: "recovery",
      message: "Rollback of relay verified: p95 over 30 s is 13 ms, was 800 ms; 41 s after the click",
      by: "Switchyard",
      href: null,
    },
  ],
  timelineTotal: 5,
  links: [{ kind: "alert", title: "RelayHighLatency on fleet/relay", href: "/alerts/a" }],
  suspects: [
    {
      at: "2026-11-21T11:58:00.000Z",
      service: "fleet/relay",
      closeness: "2 m before, on relay itself",
      before: { requestsPerSecond: 10, errorRatio: 0, latencyP95Seconds: 0.012 },
      after: { requestsPerSecond: 10, errorRatio: 0, latencyP95Seconds: 0.8 },
      actor: "otto",
      message: "Image of relay: 2.0.0 → 2.1.0. Reason: [slow] one",
      href: "/rollouts/r",
    },
  ],
  recoveries: [
    {
      service: "fleet/relay",
      indicator,
      windowSeconds: 30,
      before: 0.012,
      during: 0.8,
      now: 0.013,
      after: 0.013,
      state: "good",
      goodSince: "2026-11-21T12:05:40.000Z",
      recoveredAt: "2026-11-21T12:05:40.000Z",
      others: [],
    },
  ],
  recoveredAt: "2026-11-21T12:05:40.000Z",
  impact: testImpact,
  isImpactOutdated: false,
  charts: [
    {
      service: "fleet/relay",
      indicator,
      from: "2026-11-21T11:58:00.000Z",
      stepSeconds: 60,
      values: [0.01, 0.01, 0.8, null, 0.8, 0.8, 0.8, 0.8, 0.01],
    },
  ],
};
