import type { Instance, Service, ServiceEvent } from "#lib/domain/fleet/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";

/** A healthy relay for tests, with what the test cares about put over it. */
export function aService(over: Partial<Service> = {}): Service {
  const name = over.name ?? "relay";
  const namespace = over.namespace ?? "fleet";
  return {
    id: `${namespace}/${name}`,
    uid: `uid-${name}`,
    namespace,
    name,
    kind: "relay",
    workload: "Deployment",
    desired: 3,
    ready: 3,
    updated: 3,
    available: 3,
    unavailable: 0,
    image: "switchyard/relay:2.0.0",
    version: "2.0.0",
    container: "relay",
    containers: [{ name: "relay", image: "switchyard/relay:2.0.0" }],
    templateHash: "5d8c7b",
    revision: 1,
    restarts: 0,
    health: "healthy",
    healthReason: "All 3 instances are ready.",
    paused: false,
    generation: 1,
    observedGeneration: 1,
    createdAt: "2026-11-20T10:00:00.000Z",
    candidate: null,
    about: {
      owner: null,
      runbook: null,
      dependsOn: [],
      breaker: null,
      hasReplica: false,
      objectives: { availability: null, latency: null, latencyThreshold: null, window: null },
    },
    ...over,
  };
}

/** A running instance of fleet/relay for tests. */
export function anInstance(over: Partial<Instance> = {}): Instance {
  const name = over.name ?? "relay-5d8c7b-aaaaa";
  return {
    uid: `uid-${name}`,
    namespace: "fleet",
    name,
    service: "fleet/relay",
    node: "node-1",
    address: "127.10.10.2",
    status: "Running",
    statusMessage: null,
    phase: "Running",
    ready: true,
    restarts: 0,
    lastRestart: null,
    image: "switchyard/relay:2.0.0",
    version: "2.0.0",
    revision: 1,
    track: "stable",
    templateHash: "5d8c7b",
    containers: ["relay"],
    startedAt: "2026-11-20T10:00:05.000Z",
    createdAt: "2026-11-20T10:00:00.000Z",
    deleting: false,
    ...over,
  };
}

/** A Normal event for tests. */
export function anEvent(over: Partial<ServiceEvent> = {}): ServiceEvent {
  return {
    uid: "event-1",
    type: "Normal",
    reason: "ScalingReplicaSet",
    message: "Scaled up replica set relay-5d8c7b to 3",
    objectKind: "Deployment",
    objectName: "relay",
    count: 1,
    firstAt: "2026-11-20T10:00:00.000Z",
    lastAt: "2026-11-20T10:00:00.000Z",
    source: "deployment-controller",
    ...over,
  };
}

/** A chart for tests; without any series unless they are given. */
export function aPanel(over: Partial<Panel> = {}): Panel {
  return {
    id: "requests",
    origin: "kind",
    panelId: null,
    version: 0,
    title: "Requests",
    unit: "per-second",
    limit: null,
    style: "lines",
    states: null,
    queries: [{ name: "", expr: "sum(rate(requests_total{$in}[$window]))" }],
    seriesLabel: null,
    expressions: [{ name: "", expr: 'sum(rate(requests_total{service="relay"}[15s]))', prometheusUrl: null }],
    series: [],
    compared: null,
    shape: "",
    stepSeconds: 60,
    dataTo: 0,
    at: null,
    problem: null,
    ...over,
  };
}

/** A finished scale of fleet/relay for tests. */
export function aMark(over: Partial<LedgerMark> = {}): LedgerMark {
  return {
    id: "audit-1",
    at: "2026-11-20T10:00:00.000Z",
    service: "fleet/relay",
    verb: "scale",
    title: "3 → 5 instances",
    actorKind: "user",
    actor: "ana",
    reason: "more load",
    outcome: "succeeded",
    rolloutId: "rollout-1",
    rolloutState: "complete",
    before: null,
    after: null,
    ...over,
  };
}
