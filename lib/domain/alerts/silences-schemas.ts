import { z } from "zod";
import type { AlertRow } from "./schemas.ts";

/** The longest silence: longer ones are forgotten, and hide what nobody remembers. */
export const maxSilenceDays = 30;
export const minSilenceSeconds = 60;
/** How long before its end a silence is announced. */
export const expiryNoticeMinutes = 15;

const reasonSchema = z.string().trim().min(3, "Say why, in a few words.").max(500, "Use at most 500 characters.");

/** One condition on a label, as Alertmanager's API v2 has it: =, !=, =~ and !~. Regular expressions match the whole value. */
export const matcherSchema = z.object({
  name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,199}$/, "Not a label name: letters, digits and underscores."),
  value: z.string().max(1_000, "Use at most 1,000 characters."),
  isRegex: z.boolean().default(false),
  isEqual: z.boolean().default(true),
});
export type LabelMatcher = z.output<typeof matcherSchema>;

const matchersSchema = z.array(matcherSchema).min(1, "Give at least one matcher.").max(20, "Use at most 20 matchers.");

export const previewSilenceSchema = z.object({
  /** The source's name; may be left out while there is only one. */
  source: z.string().min(1).optional(),
  matchers: matchersSchema,
});
export type PreviewSilenceInput = z.input<typeof previewSilenceSchema>;

/** Give either durationMinutes (from its start) or endsAt. */
export const createSilenceSchema = previewSilenceSchema.extend({
  /** Now when it is left out. */
  startsAt: z.iso.datetime({ offset: true }).optional(),
  endsAt: z.iso.datetime({ offset: true }).optional(),
  durationMinutes: z.number().positive("Give more than 0 minutes.").optional(),
  reason: reasonSchema,
});
export type CreateSilenceInput = z.input<typeof createSilenceSchema>;

export const extendSilenceSchema = z.object({
  endsAt: z.iso.datetime({ offset: true }).optional(),
  /** From now. */
  durationMinutes: z.number().positive("Give more than 0 minutes.").optional(),
  reason: reasonSchema,
});
export type ExtendSilenceInput = z.input<typeof extendSilenceSchema>;

export const expireSilenceSchema = z.object({ reason: reasonSchema });
export type ExpireSilenceInput = z.input<typeof expireSilenceSchema>;

export const listSilencesSchema = z.object({
  source: z.string().optional(),
  /** Without it the active and the pending ones. */
  state: z.enum(["active", "pending", "expired", "all"]).optional(),
});
export type ListSilencesInput = z.input<typeof listSilencesSchema>;

export type SilenceView = {
  id: string;
  source: string;
  state: "active" | "pending" | "expired";
  matchers: LabelMatcher[];
  /** The matchers as Alertmanager writes them, e.g. `{alertname="RelayHighLatency", pod=~"relay-.*"}`. */
  text: string;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  createdBy: string;
  comment: string;
  /** Open alerts that it hides now. */
  hides: number;
  /** Active, and ends within 15 minutes. */
  endsSoon: boolean;
};

/** GET /api/silences: what all Alertmanagers know, the first to end first. */
export type SilencesAnswer = {
  items: SilenceView[];
  at: string;
  /** Each Alertmanager that was asked; `problem` says why its silences may be missing here. */
  members: { source: string; url: string; problem: string | null }[];
};

/** POST /api/silences/preview: nothing is written. */
export type SilencePreview = {
  text: string;
  /** Open alerts that it would hide, at most 100; `alertCount` says how many there are. */
  alerts: AlertRow[];
  alertCount: number;
  /**
   * Rules whose alerts it would hide. `always` when the rule's own labels decide it, `maybe` when it depends on labels that
   * only each alert has.
   */
  rules: { name: string; group: string; hides: "always" | "maybe" }[];
  /** Why the rules could not be looked at; null when they were. */
  rulesProblem: string | null;
  /** What to think about before, a sentence each, e.g. that it hides the Watchdog. */
  warnings: string[];
};

/** POST /api/silences, .../extend and .../expire: the silence as it is afterwards. Extending can give it a new id. */
export type SilenceResult = { silence: SilenceView; replacedId: string | null; auditId: string };
