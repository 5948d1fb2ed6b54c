import { z } from "zod";

/** What a runbook is for: an alert, by its name and the kind of daemon whose alert it is, or a service, by its namespace. */
export const runbookScopes = ["alert", "service"] as const;
/** The group of alerts that no daemon delivers. */
export const anyGroup = "any";

export const runbookRefSchema = z.object({
  scope: z.enum(runbookScopes, "Runbooks are for an alert or for a service."),
  group: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "Name the kind of daemon, any, or a namespace."),
  name: z.string().regex(/^[A-Za-z0-9_]([-A-Za-z0-9_.:]{0,198}[A-Za-z0-9_])?$/, "Name the alert or the service."),
});
export type RunbookRef = z.infer<typeof runbookRefSchema>;

/** PUT /api/runbooks/:scope/:group/:name: makes the next version over the one that was read. */
export const saveRunbookSchema = z.object({
  /** Markdown; null puts back what Switchyard delivers, and follows it from then on. */
  text: z
    .string()
    .max(50_000, "Use at most 50,000 characters.")
    .refine((text) => text.trim() !== "", "Write something.")
    .nullable(),
  version: z.int().min(0),
  note: z.string().trim().max(500, "Use at most 500 characters.").optional(),
});
export type SaveRunbookInput = z.input<typeof saveRunbookSchema>;

/** GET /api/runbooks */
export const listRunbooksSchema = z.object({
  scope: z.enum(runbookScopes).optional(),
  search: z.string().trim().max(200).optional(),
  /** The `nextCursor` of the page before. */
  cursor: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type ListRunbooksInput = z.input<typeof listRunbooksSchema>;

/** A runbook as the list shows it. Version 0 is what Switchyard delivers. */
export type RunbookRow = RunbookRef & {
  version: number;
  /** The present version is the delivered text, or there is none. */
  isDelivered: boolean;
  at: string | null;
  by: string | null;
};

/** One runbook; its text is null where nobody has written one and none is delivered. */
export type RunbookView = RunbookRow & { text: string | null; delivered: string | null };

/** GET /api/runbooks/of-kind/:kind */
export type KindRunbooks = { kind: string; title: string; intro: string; items: RunbookView[] };

export type RunbookVersionView = {
  version: number;
  at: string | null;
  by: string | null;
  note: string | null;
  isDelivered: boolean;
};

/** A runbook that an incident needs: for which of its alerts, and on which service its buttons act. */
export type NeededRunbook = RunbookView & {
  /** namespace/name; null when the alert names no service. */
  service: string | null;
  /** The alert fires now. */
  isFiring: boolean;
};
