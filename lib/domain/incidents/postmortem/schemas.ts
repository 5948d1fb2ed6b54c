import { z } from "zod";
import { idempotencyKeySchema, reasonSchema } from "../../actions/schemas.ts";
import type { Clock } from "../clock.ts";
import type { IncidentSuspect, Recovery, Severity, TimelineRow } from "../schemas.ts";

export const postmortemStates = ["draft", "review", "published"] as const;
export type PostmortemState = (typeof postmortemStates)[number];

/**
 * What is done with a postmortem as a whole: POST /api/incidents/:id/postmortem/:command. review asks somebody to read it, approve is
 * that one's word, return gives it back to be written on, reopen opens a published one.
 */
export const postmortemCommands = ["review", "approve", "return", "publish", "reopen"] as const;
export type PostmortemCommand = (typeof postmortemCommands)[number];

export const longestText = 200_000;
const textSchema = z.string().max(longestText, "Use at most 200,000 characters.");
const commentText = z.string().trim().min(1, "Write something.").max(5_000, "Use at most 5,000 characters.");
const personSchema = z.string().trim().min(1, "Give a name.").max(100, "Use at most 100 characters.");

/** GET /api/incidents/:id/postmortem?after=VERSION: the text is left out while it is the one of that version. */
export const getPostmortemSchema = z.object({ after: z.coerce.number().int().min(0).optional() });

/** POST /api/incidents/:id/postmortem: drafts it; when there is one already that stays as it is. */
export const draftSchema = z.object({ owner: personSchema.optional() }).default({});

/**
 * PUT /api/incidents/:id/postmortem: writes the text over the version that was read; stale when there is a newer one. The same
 * saveId is done once, however often it is sent.
 */
export const saveSchema = z.object({
  text: textSchema,
  version: z.int().min(1),
  saveId: idempotencyKeySchema,
  /** Who typed it: a page of somebody who has signed out saves nothing in the name of the next. */
  authorId: z.uuid().optional(),
});
export type SaveInput = z.input<typeof saveSchema>;

/** PATCH /api/incidents/:id/postmortem */
export const changePostmortemSchema = z.object({ owner: personSchema });

/**
 * `reviewer` is whom a review is asked of, anybody when left out. `override` publishes over what is missing, by an administrator. A
 * reason is needed to give it back and to reopen what was published.
 */
export const postmortemCommandSchema = z
  .object({
    reviewer: personSchema.optional(),
    reason: reasonSchema.optional(),
    override: z.object({ reason: reasonSchema }).nullable().default(null),
  })
  .default({ override: null });
export type PostmortemCommandInput = z.input<typeof postmortemCommandSchema>;

/** POST /api/incidents/:id/postmortem/comments */
export const commentSchema = z.object({ text: commentText, quote: z.string().trim().min(1).max(500).nullable().default(null) });
/** PATCH /api/incidents/:id/postmortem/comments/:commentId; the words are changed by who wrote them. */
export const changeCommentSchema = z
  .object({ text: commentText, isSettled: z.boolean() })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "Give at least one thing to change.");

/** GET /api/incidents/:id/postmortem/export. markdown: a zip with postmortem.md and its pictures; html: one page that has all in it. */
export const exportSchema = z.object({ format: z.enum(["markdown", "html"]).default("markdown") });

/** missing: one is required and nobody has drafted it. */
export const listedStates = ["missing", ...postmortemStates] as const;
export type ListedState = (typeof listedStates)[number];

/** GET /api/postmortems. Without a state those that are not published yet. */
export const listPostmortemsSchema = z.object({
  state: z.enum([...listedStates, "unpublished", "all"]).default("unpublished"),
  owner: z.string().trim().max(100).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListPostmortemsInput = z.input<typeof listPostmortemsSchema>;

/** A postmortem as lists show it, the latest incident first. */
export type ListedPostmortem = {
  incident: { id: string; number: number; title: string; severity: Severity; isDrill: boolean; services: string[] };
  /** When the incident's impact began, and when it was resolved. */
  impactStartedAt: string;
  resolvedAt: string | null;
  state: ListedState;
  isRequired: boolean;
  owner: string | null;
  reviewer: string | null;
  /** The present text is approved. */
  isApproved: boolean;
  updatedAt: string | null;
  updatedBy: string | null;
  publishedAt: string | null;
  openComments: number;
  items: { open: number; all: number };
};

/** What one service's users had of an incident. Null is what nobody could measure. Times are ISO 8601 in UTC. */
export type ServiceImpact = {
  /** namespace/name */
  service: string;
  /** Requests within the time, as the service counts them, and how many of them failed. */
  own: { bad: number; all: number } | null;
  /** The same as the prober saw it. */
  probes: { bad: number; all: number } | null;
  /** Open connections when it began, and the most within the time: so many were affected at most. */
  connections: { before: number | null; most: number | null };
  /** Seconds, of 95 % of the requests: in the minutes before and within the time. */
  latencyP95: { before: number | null; during: number | null };
  /** What of the objectives' error budgets the time has spent, as a share of the whole; by whose word. */
  budgets: { kind: "availability" | "latency"; target: number; windowDays: number; spent: number; seenBy: "prober" | "itself" }[];
};

/** An incident's impact in numbers. */
export type Impact = {
  from: string;
  to: string;
  /** What ended it: the data, somebody who said so, or nothing yet. */
  until: "recovered" | "mitigated" | "resolved" | "now";
  measuredAt: string;
  services: ServiceImpact[];
  /** Why figures are missing, in a sentence. */
  problem: string | null;
};

/** One indicator of one service over an incident: a value each `stepSeconds` from `from`, null where nobody could know. */
export type Chart = {
  /** namespace/name */
  service: string;
  indicator: Recovery["indicator"];
  from: string;
  stepSeconds: number;
  values: (number | null)[];
};

/** A row of the timeline as a postmortem shows it. */
export type FactRow = Pick<TimelineRow, "at" | "kind" | "message" | "by" | "href">;

/**
 * GET /api/incidents/:id/postmortem/facts: what is known of an incident without anybody's words. Read from the incident until the
 * postmortem is published, and from then on as it was at that time.
 */
export type PostmortemFacts = {
  readAt: string;
  isFrozen: boolean;
  number: number;
  title: string;
  severity: Severity;
  isDrill: boolean;
  /** namespace/name */
  services: string[];
  clock: Clock;
  openedBy: string;
  /** The alert, rollout or person that noticed it, in a few words. */
  noticedBy: string;
  commander: string | null;
  responders: string[];
  /** Why it was resolved in spite of the evidence; null when it was not. */
  overrideReason: string | null;
  /** The oldest first, without what is hidden; of a very long one what happened around the incident's own times. */
  timeline: FactRow[];
  timelineTotal: number;
  links: { kind: string; title: string; href: string }[];
  /** The likeliest first, with the words of the timeline. */
  suspects: (Pick<IncidentSuspect, "at" | "service" | "closeness" | "before" | "after" | "actor"> & {
    message: string;
    href: string;
  })[];
  recoveries: Omit<Recovery, "points">[];
  /** From the data: when the last of its services was good again; null while one is not. */
  recoveredAt: string | null;
  impact: Impact | null;
  /** The incident's times or services have changed since its impact was measured. */
  isImpactOutdated: boolean;
  charts: Chart[];
};

export type CommentView = {
  id: string;
  at: string;
  by: string;
  /** The person who wrote it and may change it; null for one by a token. */
  userId: string | null;
  text: string;
  quote: string | null;
  settledAt: string | null;
  settledBy: string | null;
};

/** Something that a postmortem lacks, a sentence each. */
export type Gap = { id: "unresolved" | "unwritten" | "no-items" | "comments" | "approval"; message: string };

/** A postmortem as its page shows it. `version` grows with each change of the text. */
export type PostmortemView = {
  incidentId: string;
  state: PostmortemState;
  owner: string;
  text: string;
  version: number;
  createdAt: string;
  createdBy: string;
  updatedAt: string;
  updatedBy: string;
  reviewAt: string | null;
  reviewBy: string | null;
  /** Who is asked to read it; null: anybody. */
  reviewer: string | null;
  /** Who has approved which version; another text than that is not approved. */
  approval: { at: string; by: string; version: number } | null;
  /** Why it was published although something was missing. */
  overrideReason: string | null;
  publishedAt: string | null;
  publishedBy: string | null;
  comments: CommentView[];
  /** What is missing before it can be published. */
  gaps: Gap[];
  /** What may be done now: null, or why not. */
  commands: Record<PostmortemCommand, string | null>;
};

/** GET /api/incidents/:id/postmortem: null while nobody has drafted one; `isRequired` for P1 and P2. */
export type PostmortemAnswer = AnswerWith<PostmortemView>;
/** The same with the text left out where it is known already. */
export type PostmortemNews = AnswerWith<Omit<PostmortemView, "text"> & { text: string | null }>;
type AnswerWith<View> = {
  incident: { id: string; number: number; title: string; severity: string; isDrill: boolean; resolvedAt: string | null };
  isRequired: boolean;
  postmortem: View | null;
};

/** What has become of a save. */
export type SaveAnswer = { version: number };

export const versionMarks = ["drafted", "review", "approved", "returned", "published", "reopened"] as const;
export type VersionMark = (typeof versionMarks)[number];

/** One text that it had. */
export type VersionView = { version: number; at: string; beganAt: string; by: string; mark: VersionMark | null };
