import type { AlertDetail, AlertRow, LiveAlert, LiveAlerts, SourceState, Suspect } from "#lib/domain/alerts/schemas.ts";

/** A firing RelayHighLatency of fleet/relay for tests, with what the test cares about put over it. */
export function anAlert(over: Partial<LiveAlert> = {}): LiveAlert {
  const name = over.name ?? "RelayHighLatency";
  const service = over.service === undefined ? "relay" : over.service;
  return {
    id: "alert-1",
    source: "embedded",
    fingerprint: "c0ffee",
    name,
    severity: "critical",
    namespace: "fleet",
    service,
    instance: null,
    state: "firing",
    standing: "firing",
    startsAt: "2026-11-21T11:00:00.000Z",
    endsAt: null,
    durationSeconds: 60,
    labels: { alertname: name, severity: over.severity ?? "critical", namespace: "fleet", ...(service ? { service } : {}) },
    annotations: { summary: "Operations take longer than 50 ms" },
    generatorUrl: null,
    silencedBy: [],
    inhibited: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    isFlapping: false,
    closedBy: null,
    suspect: null,
    ...over,
  };
}

/** An image set by ana 42 s before the alert, for tests. */
export function aSuspect(over: Partial<Suspect> = {}): Suspect {
  return {
    auditId: "audit-1",
    at: "2026-11-21T10:59:18.000Z",
    verb: "image",
    actorKind: "user",
    actor: "ana",
    reason: "try the new cache",
    service: "fleet/relay",
    rolloutId: "rollout-1",
    secondsBefore: 42,
    relation: "same-service",
    closeness: "42 s before, on relay itself.",
    ...over,
  };
}

/** A source that is heard, for tests. */
export function aSource(over: Partial<SourceState> = {}): SourceState {
  return {
    name: "embedded",
    disabled: false,
    lastReceivedAt: "2026-11-21T11:59:55.000Z",
    watchdogAt: "2026-11-21T11:59:55.000Z",
    blindSince: null,
    blindReason: null,
    members: [],
    ...over,
  };
}

/** What the live list answers when these alerts are open, for tests. */
export function liveAlerts(items: LiveAlert[], over: Partial<LiveAlerts> = {}): LiveAlerts {
  const counts = { firing: 0, acknowledged: 0, silenced: 0, inhibited: 0, unknown: 0 };
  const firingBySeverity: Record<string, number> = {};
  for (const { standing, severity } of items) {
    if (standing !== "resolved") counts[standing] += 1;
    if (standing === "firing") firingBySeverity[severity] = (firingBySeverity[severity] ?? 0) + 1;
  }
  return { at: "2026-11-21T12:00:00.000Z", items, total: items.length, counts, firingBySeverity, sources: [aSource()], ...over };
}

/** An alert with its details, for tests. */
export function anAlertDetail(over: Partial<AlertDetail> = {}): AlertDetail {
  const { suspect: _, ...row } = anAlert(over as Partial<AlertRow>);
  return {
    ...row,
    transitions: [],
    suspects: [],
    suspectsFrom: { minutes: 30, services: ["fleet/relay"] },
    runbook: null,
    silences: [],
    previousEpisodes: [],
    previousTotal: 0,
    sourceState: aSource(),
    firstReceivedAt: row.startsAt,
    lastReceivedAt: row.startsAt,
    ...over,
  };
}
