import type { Strategy } from "#lib/domain/rollouts/strategy.ts";

/** One rollout that is carried out again and again while controllers are killed. `bad`: its analysis fails, and it is aborted. */
export type Journey = { name: string; strategy: Strategy; hasRoute: boolean; ends: "complete" | "aborted" };

const analysis = {
  metrics: ["restarts"],
  intervalSeconds: 1,
  count: null,
  failureLimit: 1,
  noDataLimit: null,
  errorLimit: 1_000,
  minimumSamples: 1,
  windowSeconds: 5,
};
const promotion = { ...analysis, count: 3 };

const canary = {
  kind: "canary",
  steps: [
    { weight: 10, pauseSeconds: 1 },
    { weight: 50, pauseSeconds: 1 },
    { weight: 100, pauseSeconds: 1 },
  ],
  traffic: "auto",
  header: null,
  analysis,
  progressDeadlineSeconds: 3_600,
} as const satisfies Strategy;

/** Given up at its first weight, however late the measurements come of a controller that is killed again and again. */
const badCanary = { ...canary, steps: [{ weight: 10, pauseSeconds: 600 }, ...canary.steps.slice(1)] } satisfies Strategy;

const blueGreen = {
  kind: "blue-green",
  previewReplicas: 1,
  prePromotion: promotion,
  waitForPromotion: false,
  postPromotion: promotion,
  scaleDownDelaySeconds: 1,
  progressDeadlineSeconds: 3_600,
} as const satisfies Strategy;

const rolling = {
  kind: "rolling",
  pauseAfter: null,
  progressDeadlineSeconds: 3_600,
  rollbackOnFailure: true,
  analysis,
  stableSeconds: 3,
} as const satisfies Strategy;

export const journeys: Journey[] = [
  { name: "canary", strategy: canary, hasRoute: false, ends: "complete" },
  {
    name: "canary-by-route",
    strategy: { ...canary, header: { name: "x-canary", value: "yes" } },
    hasRoute: true,
    ends: "complete",
  },
  { name: "blue-green", strategy: blueGreen, hasRoute: false, ends: "complete" },
  { name: "rolling", strategy: rolling, hasRoute: false, ends: "complete" },
  { name: "bad-canary", strategy: badCanary, hasRoute: false, ends: "aborted" },
  { name: "bad-canary-by-route", strategy: badCanary, hasRoute: true, ends: "aborted" },
  { name: "bad-blue-green", strategy: { ...blueGreen, prePromotion: null }, hasRoute: false, ends: "aborted" },
];
