import type { Workload } from "#lib/kubernetes/objects.ts";
import { type Analysis, defaultStrategies, type Strategy } from "../strategy.ts";
import { type Advance, advance } from "./advance.ts";
import { startRun } from "./compile-steps.ts";
import type { RolloutRun } from "./run.ts";
import type { Measured } from "./run-analyses.ts";
import { orderRun } from "./run-control.ts";
import { ClusterModel, stablePath, templateOf } from "./test-cluster-model.ts";
import type { RouteObject } from "./traffic.ts";

export const analysis: Analysis = {
  metrics: ["error-ratio"],
  intervalSeconds: 5,
  count: null,
  failureLimit: 1,
  noDataLimit: 2,
  errorLimit: 4,
  minimumSamples: 50,
  windowSeconds: 30,
};
export const canary = {
  ...defaultStrategies.canary,
  steps: [
    { weight: 10, pauseSeconds: 10 },
    { weight: 50, pauseSeconds: 10 },
    { weight: 100, pauseSeconds: 10 },
  ],
  analysis: null,
} satisfies Strategy;
export const small = { ...canary, steps: [{ weight: 10, pauseSeconds: 2 }] } satisfies Strategy;
export const blueGreen = {
  ...defaultStrategies["blue-green"],
  previewReplicas: 1,
  prePromotion: null,
  postPromotion: null,
  scaleDownDelaySeconds: 2,
} satisfies Strategy;
export const rolling = { ...defaultStrategies.rolling, stableSeconds: 5 } satisfies Strategy;

export const virtualService = {
  kind: "VirtualService",
  metadata: {},
  spec: { http: [{ route: [{ destination: { host: "relay" } }] }] },
} as unknown as RouteObject;

export const quick = { ...canary, steps: canary.steps.map((step) => ({ ...step, pauseSeconds: 2 })) } satisfies Strategy;

export const total = 5;
export const target = { template: templateOf("2.1.0"), before: templateOf("2.0.0") };

/** A strategy, and what the service has. */
export type Case = { strategy: Strategy; hasService?: boolean; route?: RouteObject };

/** A rollout with its cluster; a pass is one second. */
export class Trial {
  readonly model: ClusterModel;
  readonly strategy: Strategy;
  readonly events: string[] = [];
  run: RolloutRun;
  now = new Date("2026-01-01T00:00:00Z");
  last: Advance | null = null;
  measure: (at: Date) => Measured[] = () => [];

  constructor({ strategy, ...options }: Case) {
    this.model = new ClusterModel({ replicas: total, ...options });
    this.strategy = strategy;
    this.run = startRun(strategy, this.model.objects.get(stablePath) as unknown as Workload, this.now);
  }

  /** One pass; `isLost`: the controller dies after its writes, before it stores. */
  pass(isLost = false): Advance {
    const { run, strategy, model, now } = this;
    const measured = this.measure(now);
    const result = advance({ rolloutId: "r1", run, strategy, target, world: model.world(run.before), measured, now });
    model.apply(result.writes);
    if (!isLost) {
      this.run = JSON.parse(JSON.stringify(result.run));
      this.events.push(...result.events.map(({ kind, message }) => `${kind}: ${message}`));
      this.last = result;
    }
    model.tick();
    this.now = new Date(now.getTime() + 1_000);
    return result;
  }

  passes(count = 30): void {
    for (let pass = 0; pass < count; pass += 1) this.pass();
  }

  until(isSo: (result: Advance) => boolean, each: () => void = () => undefined): Advance {
    for (let passes = 0; passes < 500; passes += 1) {
      const result = this.pass();
      each();
      if (isSo(result)) return result;
      if (result.end) break;
    }
    throw new Error(`it is at: ${this.last?.message}`);
  }

  order(command: "promote" | "skip" | "abort" | "pause" | "resume"): void {
    const world = this.model.world(this.run.before);
    this.run = orderRun(this.run, command, { by: "olga", reason: "so", now: this.now, world }).run;
  }
}

export const ended = ({ end }: Advance) => end !== null;

export const cases: [string, Case][] = [
  ["a canary by instances", { strategy: quick, hasService: true }],
  ["a small canary by instances", { strategy: small }],
  ["a canary by route", { strategy: quick, hasService: true, route: virtualService }],
  ["a small canary by route", { strategy: small, hasService: true, route: virtualService }],
  ["blue-green", { strategy: blueGreen, hasService: true }],
  ["a rolling update", { strategy: rolling, hasService: true }],
];

/** Measures as often as is due. */
export function answering(trial: Trial, verdict: Measured["verdict"], message = "It is so.") {
  trial.measure = (at) =>
    trial.run.analyses
      .filter(({ isOver, state }) => !isOver && Date.parse(state.dueAt) <= at.getTime())
      .map(({ step }) => ({ step, metric: "error-ratio", verdict, message }));
}

/** How many instances the Service selects. */
export function count(served: Record<string, number>): number {
  return Object.values(served).reduce((sum, one) => sum + one, 0);
}
