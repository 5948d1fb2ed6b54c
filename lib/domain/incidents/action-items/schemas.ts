import { z } from "zod";
import { reasonSchema } from "../../actions/schemas.ts";

/** What an item is for, as the guides sort them. */
export const itemTypes = ["prevent", "detect", "mitigate", "process"] as const;
export type ItemType = (typeof itemTypes)[number];
export const itemTypeInfos: Record<ItemType, { title: string; about: string }> = {
  prevent: { title: "Prevent", about: "It cannot happen again." },
  detect: { title: "Detect", about: "It is noticed sooner." },
  mitigate: { title: "Mitigate", about: "It does less harm, or ends sooner." },
  process: { title: "Process", about: "People work together better." },
};

export const itemStates = ["open", "done"] as const;
export type ItemState = (typeof itemStates)[number];

/** What can show that an item is done. */
export const proofKinds = ["alert-rule", "drill", "restore"] as const;
export type ProofKind = (typeof proofKinds)[number];
export const proofInfos: Record<ProofKind, { title: string; about: string; missing: string | null }> = {
  "alert-rule": {
    title: "Alert rule test",
    about: "The rule, as Prometheus has it now, run over the incident's time: it must fire soon enough.",
    missing: null,
  },
  drill: { title: "Drill", about: 'The fault, brought about on purpose, as "instance fleet/relay".', missing: null },
  restore: {
    title: "Restore",
    about: "The newest verified backup of a service, restored into scratch since and asked what it was asked when it was saved.",
    missing: null,
  },
};

const titleSchema = z.string().trim().min(3, "Say in a few words what is to be done.").max(300, "Use at most 300 characters.");
const personSchema = z.string().trim().min(1, "Somebody has to own it.").max(100, "Use at most 100 characters.");
const daySchema = z.iso.date("Give a day such as 2026-12-24.");
const linkSchema = z.url({ protocol: /^https?$/, error: "Give an address that begins with http:// or https://." }).max(2000);

export const proofSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("alert-rule"),
    /** The rule's name in Prometheus. */
    rule: z.string().trim().min(1, "Name the rule.").max(200),
    /** Seconds from the start of the impact within which it must fire. */
    withinSeconds: z.int("Give whole seconds.").min(1, "Give 1 or more.").max(86_400, "Give at most a day.").default(300),
  }),
  // Their names: a failure under the same name opens the item again.
  z.object({ kind: z.literal("drill"), drill: z.string().trim().min(1, "Name the drill.").max(200) }),
  z.object({
    kind: z.literal("restore"),
    backup: z.string().trim().min(1, "Name the service, e.g. fleet/relay, or switchyard.").max(200),
  }),
]);
export type Proof = z.output<typeof proofSchema>;

/** What a proof is run on, by its name. */
export function proofName(proof: Proof): string {
  switch (proof.kind) {
    case "alert-rule":
      return proof.rule;
    case "drill":
      return proof.drill;
    case "restore":
      return proof.backup;
  }
}

/** POST /api/action-items */
export const createItemSchema = z.object({
  incidentId: z.uuid("Name the incident."),
  title: titleSchema,
  type: z.enum(itemTypes),
  owner: personSchema,
  dueOn: daySchema,
  link: linkSchema.nullable().default(null),
  proof: proofSchema.nullable().default(null),
  /** Opens again when one of the incident's alerts fires after it was closed; of prevent and mitigate when left out. */
  isWatched: z.boolean().optional(),
});
export type CreateItemInput = z.input<typeof createItemSchema>;

/** PATCH /api/action-items/:id: what is left out stays; `version` is the one that was read. */
export const changeItemSchema = z.object({
  version: z.int().min(1),
  title: titleSchema.optional(),
  type: z.enum(itemTypes).optional(),
  owner: personSchema.optional(),
  dueOn: daySchema.optional(),
  link: linkSchema.nullable().optional(),
  proof: proofSchema.nullable().optional(),
  isWatched: z.boolean().optional(),
});
export type ChangeItemInput = z.input<typeof changeItemSchema>;

export const itemCommands = ["close", "reopen"] as const;
export type ItemCommand = (typeof itemCommands)[number];

/** POST /api/action-items/:id/:command. Closing runs the proof; an override closes although that did not pass. */
export const itemCommandSchema = z
  .object({ reason: reasonSchema.optional(), override: z.object({ reason: reasonSchema }).nullable().default(null) })
  .default({ override: null });
export type ItemCommandInput = z.input<typeof itemCommandSchema>;

/** GET /api/action-items. overdue: open, and due before today (UTC). */
export const listItemsSchema = z.object({
  state: z.enum(["open", "overdue", "done"]).optional(),
  incidentId: z.uuid().optional(),
  owner: z.string().trim().max(100).optional(),
  type: z.enum(itemTypes).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListItemsInput = z.input<typeof listItemsSchema>;

/** How a proof ended. unknown: what it needs could not be read, which proves nothing. */
export type ProofResult = { verdict: "passed" | "failed" | "unknown"; message: string; at: string };

/** An action item as pages show it. Times are ISO 8601 in UTC; `dueOn` is a day. */
export type ItemView = {
  id: string;
  number: number;
  version: number;
  incident: { id: string; number: number; title: string; severity: string };
  title: string;
  type: ItemType;
  owner: string;
  dueOn: string;
  isOverdue: boolean;
  link: string | null;
  state: ItemState;
  proof: Proof | null;
  proofResult: ProofResult | null;
  overrideReason: string | null;
  isWatched: boolean;
  createdAt: string;
  createdBy: string;
  closedAt: string | null;
  closedBy: string | null;
  reopenedAt: string | null;
  reopenReason: string | null;
};
