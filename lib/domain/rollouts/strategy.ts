import { z } from "zod";

/** How a change of a service's template is carried out. All durations in seconds. */

const seconds = z.int("Give whole seconds.").min(0, "Give 0 or more seconds.").max(604_800, "Give at most a week.");
const percent = z.int("Give a whole number of percent.").min(1, "Give 1 to 100 percent.").max(100, "Give 1 to 100 percent.");

/** What is measured while a step lasts: metrics by the names of lib/domain/rollouts/analysis/templates.ts. */
export const analysisSchema = z.object({
  metrics: z
    .array(z.string())
    .min(1, "Choose at least one metric.")
    .max(10, "Choose at most 10 metrics.")
    .refine((names) => new Set(names).size === names.length, "Choose each metric once."),
  intervalSeconds: seconds.min(1, "Measure at most once a second."),
  /** How many measurements; null: until the step ends. */
  count: z.int().min(1).max(10_000).nullable(),
  /** More bad measurements of one metric than this, in all, fail the analysis. */
  failureLimit: z.int().min(0).max(1_000),
  /** More measurements without data than this, one after the other, pause the rollout; null: never. */
  noDataLimit: z.int().min(0).max(1_000).nullable(),
  /** More errors than this, one after the other, fail the analysis. */
  errorLimit: z.int().min(0).max(1_000),
  /** Fewer requests than this on either side give no verdict. */
  minimumSamples: z.int().min(1).max(1_000_000),
  /** What is looked at: the last so many seconds before each measurement. */
  windowSeconds: seconds.min(2, "Look at 2 seconds or more."),
});
export type Analysis = z.infer<typeof analysisSchema>;

/** The notes' figures: Argo Rollouts' limits, Flagger's interval. */
export const defaultAnalysis: Analysis = {
  metrics: ["error-ratio", "latency-p95", "probe-success", "restarts"],
  intervalSeconds: 60,
  count: null,
  failureLimit: 1,
  noDataLimit: 5,
  errorLimit: 4,
  minimumSamples: 50,
  windowSeconds: 120,
};

export const rollingSchema = z.object({
  kind: z.literal("rolling"),
  /** Pauses when so many instances are updated, until it is promoted; null: never. */
  pauseAfter: z.int().min(1).max(5_000).nullable(),
  /** Without progress for so long it has failed. */
  progressDeadlineSeconds: seconds.min(1),
  rollbackOnFailure: z.boolean(),
  /** Measured while it rolls and for stableSeconds afterwards. */
  analysis: analysisSchema.nullable(),
  stableSeconds: seconds,
});

export const canarySchema = z.object({
  kind: z.literal("canary"),
  steps: z
    .array(
      z.object({
        weight: percent,
        /** How long before the next step; null: until it is promoted. */
        pauseSeconds: seconds.nullable(),
      }),
    )
    .min(1, "Give at least one step.")
    .max(50, "Give at most 50 steps.")
    .refine(
      (steps) => steps.every(({ weight }, index) => index === 0 || weight > (steps[index - 1]?.weight ?? 0)),
      "Each weight must be larger than the one before.",
    ),
  /** By weights of the service's VirtualService or HTTPRoute, or by the share of instances; auto: by weights where there is a route. */
  traffic: z.enum(["auto", "route", "replicas"]),
  /** Requests with this header go to the canary always, where a route can. */
  header: z.object({ name: z.string().min(1), value: z.string().min(1) }).nullable(),
  analysis: analysisSchema.nullable(),
  progressDeadlineSeconds: seconds.min(1),
});

export const blueGreenSchema = z.object({
  kind: z.literal("blue-green"),
  /** Instances of the preview before the switch; null: as many as stable has. */
  previewReplicas: z.int().min(1).max(5_000).nullable(),
  prePromotion: analysisSchema.nullable(),
  /** Waits for a person before the switch. */
  waitForPromotion: z.boolean(),
  postPromotion: analysisSchema.nullable(),
  /** How long the old colour lives after the switch: until then the return is instant. */
  scaleDownDelaySeconds: seconds,
  progressDeadlineSeconds: seconds.min(1),
});

export const strategySchema = z.discriminatedUnion("kind", [rollingSchema, canarySchema, blueGreenSchema]);
export type Strategy = z.infer<typeof strategySchema>;
export type StrategyKind = Strategy["kind"];

/** The guides' figures: 10 % first, full after one hour stable; progress within 600 s; the old colour lives 30 s longer. */
export const defaultStrategies: { [K in StrategyKind]: Extract<Strategy, { kind: K }> } = {
  rolling: {
    kind: "rolling",
    pauseAfter: null,
    progressDeadlineSeconds: 600,
    rollbackOnFailure: true,
    analysis: null,
    stableSeconds: 0,
  },
  canary: {
    kind: "canary",
    steps: [{ weight: 10, pauseSeconds: 3_600 }],
    traffic: "auto",
    header: null,
    analysis: defaultAnalysis,
    progressDeadlineSeconds: 600,
  },
  "blue-green": {
    kind: "blue-green",
    previewReplicas: null,
    // A preview gets no traffic: only what it does by itself can be measured.
    prePromotion: { ...defaultAnalysis, metrics: ["restarts"], count: 5 },
    waitForPromotion: false,
    postPromotion: { ...defaultAnalysis, count: 5 },
    scaleDownDelaySeconds: 30,
    progressDeadlineSeconds: 600,
  },
};

/** An annotation of the service holds its own default strategy as JSON: shorter windows for the demo fleet, for example. */
export const strategyAnnotation = "switchyard.dev/rollout-strategy";
