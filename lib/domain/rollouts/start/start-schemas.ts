import { z } from "zod";
import { type FieldChange, reasonSchema, setImageSchema } from "../../actions/schemas.ts";
import type { Forecast, Limits } from "../../autoscaling/schemas.ts";
import type { Step } from "../engine/run.ts";
import { type Strategy, type StrategyKind, strategySchema } from "../strategy.ts";

const labels = z.record(z.string(), z.string());
const containerSchema = z.looseObject({
  name: z.string().min(1, "Each container needs a name."),
  image: z.string().min(1, "Each container needs an image."),
  restartPolicy: z.string().optional(),
});

/** A pod template as the API has it; what is not named here stays. */
export const podTemplateSchema = z.looseObject({
  metadata: z.looseObject({ labels: labels.optional(), annotations: labels.optional() }).optional(),
  spec: z.looseObject({
    containers: z.array(containerSchema).min(1, "Give at least one container."),
    initContainers: z.array(containerSchema).optional(),
  }),
});

export const configKinds = ["ConfigMap", "Secret"] as const;
export type ConfigKind = (typeof configKinds)[number];

/** A copy of a ConfigMap or Secret that a new template names; `of` is the name without the hash. */
export type ConfigCopy = { kind: ConfigKind; name: string; of: string };

/** Keys to set in what the template reads its configuration from; null removes a key. A Secret's values are plain text here. */
export const configChangeSchema = z.object({
  kind: z.enum(configKinds),
  name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "Not the name of a ConfigMap or Secret."),
  data: z
    .record(
      z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, "A key has letters, digits, dashes, dots and underscores."),
      z
        .string()
        .max(512 * 1024, "Use at most 512 KiB for one value.")
        .nullable(),
    )
    .refine((data) => Object.keys(data).length > 0, "Give at least one key."),
});
export type ConfigChange = z.infer<typeof configChangeSchema>;

/** What a rollout brings: another image or a whole template, and with it or alone other configuration. */
export const changeSchema = z
  .object({
    image: z.object({ container: setImageSchema.shape.container, image: setImageSchema.shape.image }).optional(),
    template: podTemplateSchema.optional(),
    config: z.array(configChangeSchema).max(20, "Change at most 20 objects at once.").default([]),
  })
  .refine(({ image, template }) => !(image && template), "Give an image or a template, not both.")
  .refine(({ image, template, config }) => image || template || config.length > 0, "Give an image, a template or configuration.");
export type Change = z.infer<typeof changeSchema>;
export type ChangeInput = z.input<typeof changeSchema>;

/** POST /api/services/:namespace/:name/rollouts, with an Idempotency-Key. */
export const startRolloutSchema = z.object({
  /** Left out: the service's own (its annotation), else a canary by the guides. */
  strategy: strategySchema.optional(),
  change: changeSchema,
  reason: reasonSchema,
  /** What the person saw; the start is refused as stale when it no longer holds. */
  seen: z.object({ uid: z.string().min(1), templateHash: z.string() }),
  /** Ids of the manual checks that the person answers for. */
  ticks: z.array(z.string().min(1).max(60)).max(50).default([]),
  /** An administrator's, to start in spite of blockers. */
  override: z.object({ reason: reasonSchema }).nullable().default(null),
  /** Wait for what can be waited for, instead of being refused. */
  queue: z.boolean().default(false),
});
export type StartRolloutInput = z.input<typeof startRolloutSchema>;

/** POST .../rollouts/preflight: the same without a reason. */
export const preflightSchema = startRolloutSchema.omit({ reason: true, override: true, queue: true }).partial({ seen: true });
export type PreflightInput = z.input<typeof preflightSchema>;

/** One line of the guides' deployment checklists, with its answer. */
export type ChecklistItem = {
  id: string;
  group: "change" | "workload" | "service" | "manual";
  title: string;
  /** manual: only a person can answer; a tick makes it passed. unknown: what would tell cannot be asked. */
  state: "passed" | "failed" | "unknown" | "manual";
  /** One sentence on what was found. */
  detail: string;
  /** While it fails, it keeps the rollout from starting. */
  isBlocker: boolean;
};

/** What keeps a rollout from starting now. */
export type Blocker = {
  id: string;
  message: string;
  /** An administrator may start in spite of it, with a reason. */
  canOverride: boolean;
  /** It ends by itself: the rollout may wait for that in the queue. */
  canQueue: boolean;
  /** Ids of the freezes, alerts or rollouts that it stands for: who overrides it overrides these, and no later ones. */
  about?: string[];
};

/** An object by its name; the hash says whether two say the same, null where there is none or it cannot be read. */
export type ConfigVersion = { name: string; hash: string | null };

/** A ConfigMap or Secret that the template names, before and after; never a value of it. */
export type ConfigDiff = {
  kind: ConfigKind;
  /** The object's own name, without the hash of a copy. */
  name: string;
  before: ConfigVersion | null;
  after: ConfigVersion | null;
  /** Names of keys. */
  added: string[];
  removed: string[];
  changed: string[];
  /** Why it cannot be read; null when it can. */
  problem: string | null;
};

/** The answer of preflight: nothing was written. */
export type Preflight = {
  at: string;
  seen: { uid: string; templateHash: string };
  strategy: Strategy;
  steps: Step[];
  version: { from: string; to: string };
  diff: {
    /** Pod templates as YAML; the later one as the cluster would store it. */
    template: { before: string; after: string };
    /** Annotations of the workload and of its instances. */
    annotations: FieldChange[];
    config: ConfigDiff[];
    replicas: { before: number; after: number; autoscaler: (Limits & { name: string }) | null };
  };
  /** The most instances at once, against the room on the nodes; null when that cannot be told. */
  forecast: Forecast | null;
  /** What a return to the version before brings back, and what it does not, a sentence each. */
  rollback: { restores: string[]; leaves: string[] };
  dryRun: { accepted: boolean; message: string };
  checklist: ChecklistItem[];
  blockers: Blocker[];
};

/** What is kept of preflight with a rollout. */
export type PreflightRecord = Pick<Preflight, "at" | "dryRun" | "checklist" | "blockers"> & {
  ticks: { id: string; by: string; at: string }[];
  override: { reason: string; by: string; at: string } | null;
};

/** GET /api/services/:namespace/:name/rollouts/options: what a form to start a rollout begins with. */
export type RolloutOptions = {
  seen: { uid: string; templateHash: string };
  workload: "Deployment" | "StatefulSet";
  /** The present pod template as YAML. */
  template: string;
  containers: { name: string; image: string }[];
  /** What the template reads its configuration from; keys are null where the object cannot be read. */
  config: { kind: ConfigKind; name: string; present: string; keys: string[] | null }[];
  /** One of each kind, the service's own where its annotation has one. */
  strategies: { [K in StrategyKind]: Extract<Strategy, { kind: K }> };
  preferred: StrategyKind;
  /** Why the annotation cannot be used; null when it can or there is none. */
  problem: string | null;
  /** Why a strategy cannot be used for this service; null where it can. */
  refused: Record<StrategyKind, string | null>;
};
