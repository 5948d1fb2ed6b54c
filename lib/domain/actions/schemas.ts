import { z } from "zod";

/** Why an action is done; audited with it. */
export const reasonSchema = z.string().trim().min(3, "Say why, in a few words.").max(500, "Use at most 500 characters.");

/** What the person saw when they decided; the action is refused as stale when it no longer holds. */
const seenTemplate = z.object({ uid: z.string().min(1), templateHash: z.string() });
const seenReplicas = z.object({ uid: z.string().min(1), replicas: z.int().min(0) });
const seenWorkload = z.object({ uid: z.string().min(1) });
const seenPaused = z.object({ uid: z.string().min(1), paused: z.boolean() });

export const scaleSchema = z.object({
  replicas: z.int("Give a whole number.").min(0, "Give 0 or more.").max(5000, "Give at most 5000."),
  reason: reasonSchema,
  seen: seenReplicas,
});
export const restartSchema = z.object({ reason: reasonSchema, seen: seenTemplate });
export const setImageSchema = z.object({
  container: z.string().min(1),
  image: z
    .string()
    .trim()
    .regex(
      /^[\w.-]+(:\d+)?(\/[\w.-]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
      "Not an image name, e.g. registry/name:tag.",
    )
    .refine((image) => /[:@][^/]+$/.test(image), "Name a tag or a digest, so that the version is known."),
  reason: reasonSchema,
  seen: seenTemplate,
});
export const pauseSchema = z.object({ reason: reasonSchema, seen: seenPaused });
export const rollbackSchema = z.object({
  /** 0 = the revision before the present one, as kubectl has it. */
  toRevision: z.int().min(0),
  reason: reasonSchema,
  seen: seenTemplate,
});
export const breakerSchema = z.object({ reason: reasonSchema, seen: seenWorkload });
export const failOverSchema = z.object({ reason: reasonSchema, seen: seenTemplate });

/** The actions on a service by the last part of their address: POST /api/services/:namespace/:name/actions/:verb */
export const actionSchemas = {
  scale: scaleSchema,
  restart: restartSchema,
  image: setImageSchema,
  pause: pauseSchema,
  resume: pauseSchema,
  rollback: rollbackSchema,
  "open-breaker": breakerSchema,
  "close-breaker": breakerSchema,
  "fail-over": failOverSchema,
} as const;
export type ActionVerb = keyof typeof actionSchemas;
export type ActionInput<V extends ActionVerb = ActionVerb> = z.infer<(typeof actionSchemas)[V]>;

/** One line of "what will change", computed by the server from a dry run. */
export type FieldChange = { field: string; before: string | null; after: string | null };

/** The answer to POST ...?dryRun=true: nothing was written. */
export type ActionPreview = {
  changes: FieldChange[];
  /** Unified rows of the pod template before and after, for image, restart and rollback. */
  template: { before: string; after: string } | null;
  /** What a person would wrongly expect to change too, a sentence each. */
  unchanged: string[];
  /** Who is affected now, a sentence each, e.g. live connections. */
  affected: string[];
  /** Set when the action would do nothing; a sentence. */
  nothingToDo: string | null;
};

/** The answer to an action: its audit row, and the rollout to follow where it started one. */
export type ActionResult = { auditId: string; rolloutId: string | null; outcome: "succeeded"; message: string };

/** The actions that start a rollout. */
export const rolledOutVerbs: ReadonlySet<ActionVerb> = new Set<ActionVerb>([
  "scale",
  "restart",
  "image",
  "rollback",
  "fail-over",
]);

/** The actions on the instances themselves: nothing of the workload is written. */
export type BreakerVerb = "open-breaker" | "close-breaker";
export function isBreakerVerb(verb: ActionVerb): verb is BreakerVerb {
  return verb === "open-breaker" || verb === "close-breaker";
}

/** What a client may send as Idempotency-Key: a new one for each action, the same for each retry of it. */
export const idempotencyKeySchema = z
  .string("Send an Idempotency-Key header.")
  .regex(/^[\w.:-]{8,128}$/, "Use 8 to 128 letters, digits, dots, colons, dashes or underscores.");
