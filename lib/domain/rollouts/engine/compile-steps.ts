import type { Workload } from "#lib/kubernetes/objects.ts";
import type { Analysis, Strategy } from "../strategy.ts";
import type { RolloutRun, Step } from "./run.ts";
import { digestTemplate } from "./template-digest.ts";

type Canary = Extract<Strategy, { kind: "canary" }>;
type BlueGreen = Extract<Strategy, { kind: "blue-green" }>;
type Rolling = Extract<Strategy, { kind: "rolling" }>;

/** The steps of a strategy over a service with `total` instances. */
export function compileSteps(strategy: Strategy, total: number): Step[] {
  switch (strategy.kind) {
    case "canary":
      return compileCanary(strategy, total);
    case "blue-green":
      return compileBlueGreen(strategy);
    case "rolling":
      return compileRolling(strategy);
  }
}

function compileCanary({ steps }: Canary, total: number): Step[] {
  return [
    ...steps.flatMap(({ weight, pauseSeconds }): Step[] => [
      { kind: "candidate", replicas: Math.ceil((total * weight) / 100), weight },
      { kind: "weight", percent: weight },
      ...pause(pauseSeconds),
    ]),
    { kind: "update", pauseAfter: null },
    { kind: "clean" },
  ];
}

function compileBlueGreen(strategy: BlueGreen): Step[] {
  const { previewReplicas, prePromotion, waitForPromotion, postPromotion, scaleDownDelaySeconds } = strategy;
  return [
    { kind: "candidate", replicas: previewReplicas, weight: null },
    ...(prePromotion ? [{ kind: "analysis", name: prePromotionName } as const] : []),
    ...(waitForPromotion ? pause(null) : []),
    ...(previewReplicas === null ? [] : [{ kind: "candidate", replicas: null, weight: null } as const]),
    { kind: "switch", to: "candidate" },
    ...(postPromotion ? [{ kind: "analysis", name: postPromotionName } as const] : []),
    ...pause(scaleDownDelaySeconds),
    { kind: "update", pauseAfter: null },
    { kind: "switch", to: "stable" },
    { kind: "clean" },
  ];
}

function compileRolling({ pauseAfter, stableSeconds }: Rolling): Step[] {
  return [{ kind: "update", pauseAfter }, ...pause(stableSeconds), { kind: "clean" }];
}

function pause(seconds: number | null): Step[] {
  return seconds === 0 ? [] : [{ kind: "pause", seconds }];
}

const prePromotionName = "pre-promotion";
const postPromotionName = "post-promotion";

/** Which analysis goes on from which step to which, inclusive. */
export type PlannedAnalysis = { step: number; until: number; name: string; settings: Analysis };

/** The analyses of a strategy over its steps. */
export function planAnalyses(strategy: Strategy, steps: readonly Step[]): PlannedAnalysis[] {
  switch (strategy.kind) {
    case "canary": {
      const step = steps.findIndex(({ kind }) => kind === "weight");
      const until = steps.findIndex(({ kind }) => kind === "update") - 1;
      return strategy.analysis ? [{ step, until, name: "canary", settings: strategy.analysis }] : [];
    }
    case "rolling": {
      const until = steps.findIndex(({ kind }) => kind === "clean") - 1;
      return strategy.analysis ? [{ step: 0, until, name: "rolling", settings: strategy.analysis }] : [];
    }
    case "blue-green":
      return [
        ...planPromotion(steps, prePromotionName, strategy.prePromotion),
        ...planPromotion(steps, postPromotionName, strategy.postPromotion),
      ];
  }
}

/** A step that only waits for an analysis needs one that ends by itself. */
function planPromotion(steps: readonly Step[], name: string, analysis: Analysis | null): PlannedAnalysis[] {
  const step = steps.findIndex((one) => one.kind === "analysis" && one.name === name);
  if (!analysis || step < 0) return [];
  return [{ step, until: step, name, settings: { ...analysis, count: analysis.count ?? 1 } }];
}

/** A run from the first step, on the service's workload as it is before anything was done. */
export function startRun(strategy: Strategy, workload: Workload, now: Date): RolloutRun {
  const replicas = workload.spec.replicas ?? 1;
  const at = now.toISOString();
  return {
    steps: compileSteps(strategy, replicas),
    index: 0,
    stepStartedAt: at,
    lookedAt: null,
    history: [{ startedAt: at, isSkipped: false }],
    by: null,
    analyses: [],
    hold: null,
    abort: null,
    promoted: null,
    skips: false,
    weight: 0,
    progress: null,
    seen: { stable: digestTemplate(workload.spec.template), candidate: null },
    before: { service: null, selector: null, route: null, replicas },
  };
}
