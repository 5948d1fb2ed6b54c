import type { Preflight, RolloutOptions } from "#lib/domain/rollouts/start/start-schemas.ts";
import { defaultStrategies } from "#lib/domain/rollouts/strategy.ts";

/** What fleet/relay offers a form, for tests. */
export function someOptions(over: Partial<RolloutOptions> = {}): RolloutOptions {
  return {
    seen: { uid: "uid-relay", templateHash: "5d8c7b" },
    workload: "Deployment",
    template: "spec:\n  containers:\n    - name: relay\n      image: switchyard/relay:2.0.0\n",
    containers: [{ name: "relay", image: "switchyard/relay:2.0.0" }],
    config: [
      { kind: "ConfigMap", name: "relay-config", present: "relay-config", keys: ["log-level"] },
      { kind: "Secret", name: "relay-secrets", present: "relay-secrets", keys: ["database-url"] },
    ],
    strategies: defaultStrategies,
    preferred: "canary",
    problem: null,
    refused: { rolling: null, canary: null, "blue-green": null },
    ...over,
  };
}

/** A preflight of relay 2.0.0 -> 2.0.1 against which nothing speaks, for tests. */
export function aPreflight(over: Partial<Preflight> = {}): Preflight {
  return {
    at: "2026-11-21T12:00:00.000Z",
    seen: { uid: "uid-relay", templateHash: "5d8c7b" },
    strategy: defaultStrategies.canary,
    steps: [
      { kind: "candidate", replicas: 1, weight: 10 },
      { kind: "weight", percent: 10 },
    ],
    version: { from: "2.0.0", to: "2.0.1" },
    diff: {
      template: { before: "image: switchyard/relay:2.0.0\n", after: "image: switchyard/relay:2.0.1\n" },
      annotations: [],
      config: [],
      replicas: { before: 3, after: 3, autoscaler: null },
    },
    forecast: null,
    rollback: { restores: ["The pod template."], leaves: ["The number of instances."] },
    dryRun: { accepted: true, message: "The cluster accepts it." },
    checklist: [
      {
        id: "image-pinned",
        group: "change",
        title: "Every image is pinned",
        state: "passed",
        detail: "relay has a tag.",
        isBlocker: true,
      },
      {
        id: "team-told",
        group: "manual",
        title: "The team knows",
        state: "manual",
        detail: "Only a person can tell.",
        isBlocker: false,
      },
    ],
    blockers: [],
    ...over,
  };
}
