import type {
  DrillDetail,
  DrillPreview,
  DrillReport,
  DrillScheduleView,
  DrillView,
} from "#lib/domain/recovery/drills/schemas.ts";

/** DR-5, a drill on an instance of fleet/relay that met its objective, for tests. */
export function aDrill(over: Partial<DrillView> = {}): DrillView {
  return {
    id: "drill-5",
    number: 5,
    scenario: "instance",
    title: "Instance failure",
    subject: "fleet/relay",
    namespace: "fleet",
    service: "relay",
    state: "completed",
    verdict: "met",
    message: "Back after 4 s, nothing lost.",
    reason: "quarterly",
    requestedBy: "ana",
    target: "relay-a",
    abortedBy: null,
    abortReason: null,
    scheduleId: null,
    rtoObjectiveMs: 30_000,
    rpoObjectiveMs: 0,
    rtoMs: 4200,
    rpoMs: 0,
    lostWrites: 0,
    errorMs: 200,
    createdAt: "2026-11-21T11:50:00.000Z",
    startedAt: "2026-11-21T11:50:01.000Z",
    faultAt: "2026-11-21T11:50:10.000Z",
    detectedAt: "2026-11-21T11:50:12.000Z",
    recoveredAt: "2026-11-21T11:50:14.000Z",
    finishedAt: "2026-11-21T11:51:00.000Z",
    incidentId: "incident-9",
    actionItemId: null,
    ...over,
  };
}

export function aDrillReport(over: Partial<DrillReport> = {}): DrillReport {
  return {
    phases: [
      {
        name: "detect",
        startedAt: "2026-11-21T11:50:10.000Z",
        endedAt: "2026-11-21T11:50:12.000Z",
        durationMs: 2000,
        message: "ProbeInterrupted fired.",
      },
      {
        name: "assess",
        startedAt: "2026-11-21T11:50:12.000Z",
        endedAt: "2026-11-21T11:50:12.500Z",
        durationMs: 500,
        message: "INC-9 opened.",
      },
      {
        name: "fail-over",
        startedAt: "2026-11-21T11:50:12.500Z",
        endedAt: "2026-11-21T11:50:13.500Z",
        durationMs: 1000,
        message: "Clients went to relay-b.",
      },
      {
        name: "recover",
        startedAt: "2026-11-21T11:50:13.500Z",
        endedAt: "2026-11-21T11:50:14.200Z",
        durationMs: 700,
        message: "5 successes in a row.",
      },
    ],
    series: [
      { at: "2026-11-21T11:50:08.000Z", ok: 5, failed: 0, p95Ms: 12 },
      { at: "2026-11-21T11:50:09.000Z", ok: 5, failed: 0, p95Ms: 11 },
      { at: "2026-11-21T11:50:10.000Z", ok: 2, failed: 3, p95Ms: 14 },
      { at: "2026-11-21T11:50:14.000Z", ok: 5, failed: 0, p95Ms: 15 },
    ],
    ledger: {
      acknowledged: 412,
      lost: 0,
      duplicated: 0,
      lastAcknowledgedAt: "2026-11-21T11:50:10.000Z",
      newestSurvivingAt: "2026-11-21T11:50:10.000Z",
    },
    checks: [{ name: "Every acknowledged write is there", wanted: "412", found: "412", passed: true }],
    measure: { consecutive: 5, intervalMs: 200 },
    limits: ["One instance of three: the loss of all of them is not shown."],
    ...over,
  };
}

export function aDrillDetail(over: Partial<DrillDetail> = {}): DrillDetail {
  return {
    drill: aDrill(),
    events: [{ id: "event-1", at: "2026-11-21T11:50:10.000Z", kind: "fault", message: "relay-a killed." }],
    report: aDrillReport(),
    earlier: [
      { id: "drill-4", number: 4, startedAt: "2026-08-21T10:00:00.000Z", rtoMs: 9000, rpoMs: 0, verdict: "met" },
      { id: "drill-2", number: 2, startedAt: "2026-05-21T10:00:00.000Z", rtoMs: 41_000, rpoMs: 0, verdict: "missed" },
    ],
    ...over,
  };
}

/** What a drill on an instance of fleet/relay would do, with nothing against it, for tests. */
export function aDrillPreview(over: Partial<DrillPreview> = {}): DrillPreview {
  return {
    scenario: "instance",
    title: "Instance failure",
    target: "relay-a",
    steps: ["Kill one instance of relay without grace.", "Wait until clients are served again."],
    guards: [{ name: "Cluster allows drills", state: "passed", message: "fleet is labelled for drills." }],
    objective: { rtoSeconds: 30, rpoSeconds: 0 },
    measures: ["From the last success before the fault to the first of 5 successes after it."],
    limits: ["One instance of three: the loss of all of them is not shown."],
    ...over,
  };
}

export function aDrillSchedule(over: Partial<DrillScheduleView> = {}): DrillScheduleView {
  return {
    id: "schedule-1",
    scenario: "instance",
    subject: "fleet/relay",
    title: "Instance failure",
    settings: { target: null, image: null, backupId: null, intoNamespace: null, awaySeconds: 30 },
    last: null,
    cron: "0 10 1 1,4,7,10 *",
    timeZone: "UTC",
    isEnabled: true,
    nextAt: "2027-01-01T10:00:00.000Z",
    updatedAt: "2026-11-01T10:00:00.000Z",
    updatedBy: "ana",
    ...over,
  };
}
