import type { MeasurementView, RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import type { Blocker, ChecklistItem, PreflightRecord } from "#lib/domain/rollouts/start/start-schemas.ts";
import { defaultStrategies } from "#lib/domain/rollouts/strategy.ts";

/** A canary of fleet/relay at 10 %, in the pause after it, for tests. */
export function aRollout(over: Partial<RolloutDetail> = {}): RolloutDetail {
  return {
    id: "rollout-1",
    namespace: "fleet",
    service: "relay",
    change: "image",
    strategy: "canary",
    fromRevision: 6,
    toRevision: 7,
    fromVersion: "2.0.0",
    toVersion: "2.1.0",
    fromReplicas: 3,
    toReplicas: 3,
    state: "progressing",
    message: "10 % of the traffic go to 2.1.0.",
    actor: "ana",
    reason: "the new cache",
    auditId: "audit-1",
    startedAt: "2026-11-21T11:58:00.000Z",
    finishedAt: null,
    version: 4,
    after: null,
    plan: {
      ...defaultStrategies.canary,
      steps: [
        { weight: 10, pauseSeconds: 60 },
        { weight: 50, pauseSeconds: 60 },
      ],
    },
    steps: [
      {
        title: "1 candidate instance",
        state: "done",
        startedAt: "2026-11-21T11:58:00.000Z",
        endsAt: null,
      },
      {
        title: "Pause at 10 %",
        state: "current",
        startedAt: "2026-11-21T11:59:30.000Z",
        endsAt: "2026-11-21T12:00:30.000Z",
      },
      { title: "50 % of the traffic", state: "waiting", startedAt: null, endsAt: null },
    ],
    share: { stable: 90, candidate: 10, by: "route" },
    hold: null,
    budget: [{ metric: "error-ratio", left: 1, of: 1 }],
    measurements: [aMeasurement()],
    events: [
      {
        id: "event-1",
        at: "2026-11-21T11:58:00.000Z",
        kind: "started",
        message: "Started with 1 candidate.",
        by: "ana",
        check: null,
      },
    ],
    commands: { promote: null, skip: null, abort: null, retry: "It has not ended.", pause: null, resume: "It is not paused." },
    ...over,
  };
}

/** A good measurement of the error ratio, for tests. */
export function aMeasurement(over: Partial<MeasurementView> = {}): MeasurementView {
  return {
    id: "measurement-1",
    step: 1,
    metric: "error-ratio",
    at: "2026-11-21T11:59:40.000Z",
    value: 0.004,
    limit: 0.01,
    stable: 0.003,
    samples: 240,
    stableSamples: 2160,
    verdict: "good",
    message: "0.4 % of 240 requests failed, at most 1 % may.",
    test: null,
    ...over,
  };
}

/** A check that passed, for tests. */
export function aCheck(over: Partial<ChecklistItem> = {}): ChecklistItem {
  return {
    id: "readiness",
    group: "workload",
    title: "Readiness probe",
    state: "passed",
    detail: "It has one.",
    isBlocker: false,
    ...over,
  };
}

/** A freeze that an administrator may override, for tests. */
export function aBlocker(over: Partial<Blocker> = {}): Blocker {
  return {
    id: "freeze",
    message: "All rollouts are frozen until 2026-11-21 13:00 UTC: the fair.",
    canOverride: true,
    canQueue: false,
    ...over,
  };
}

/** A preflight that one check passed, for tests. */
export function aPreflightRecord(over: Partial<PreflightRecord> = {}): PreflightRecord {
  return {
    at: "2026-11-21T11:57:58.000Z",
    dryRun: { accepted: true, message: "The cluster accepts it." },
    checklist: [aCheck()],
    blockers: [],
    ticks: [],
    override: null,
    ...over,
  };
}
