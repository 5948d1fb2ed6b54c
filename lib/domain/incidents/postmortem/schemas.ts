import { z } from "zod";
import { idempotencyKeySchema, reasonSchema } from "../../actions/schemas.ts";

export const postmortemStates = ["draft", "review", "published"] as const;
export type PostmortemState = (typeof postmortemStates)[number];

/** What is done with a postmortem as a whole: POST /api/incidents/:id/postmortem/:command */
export const postmortemCommands = ["review", "publish", "reopen"] as const;
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
export const saveSchema = z.object({ text: textSchema, version: z.int().min(1), saveId: idempotencyKeySchema });
export type SaveInput = z.input<typeof saveSchema>;

/** PATCH /api/incidents/:id/postmortem */
export const changePostmortemSchema = z.object({ owner: personSchema });

/** `override` publishes over what is missing; a reason is needed to reopen what was published. */
export const postmortemCommandSchema = z
  .object({ reason: reasonSchema.optional(), override: z.object({ reason: reasonSchema }).nullable().default(null) })
  .default({ override: null });
export type PostmortemCommandInput = z.input<typeof postmortemCommandSchema>;

/** POST /api/incidents/:id/postmortem/comments */
export const commentSchema = z.object({ text: commentText, quote: z.string().trim().min(1).max(500).nullable().default(null) });
/** PATCH /api/incidents/:id/postmortem/comments/:commentId; the words are changed by who wrote them. */
export const changeCommentSchema = z
  .object({ text: commentText, isSettled: z.boolean() })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "Give at least one thing to change.");

/** GET /api/incidents/:id/postmortem/export */
export const exportSchema = z.object({ format: z.enum(["markdown", "html"]).default("markdown") });

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

export type CommentView = {
  id: string;
  at: string;
  by: string;
  text: string;
  quote: string | null;
  settledAt: string | null;
  settledBy: string | null;
};

/** Something that a postmortem lacks, a sentence each. */
export type Gap = { id: "unresolved" | "unwritten" | "no-items" | "comments"; message: string };

/** A postmortem as its page shows it. `version` grows with each change of the text. */
export type PostmortemView = {
  incidentId: string;
  state: PostmortemState;
  owner: string;
  text: string;
  version: number;
  impact: Impact | null;
  createdAt: string;
  createdBy: string;
  updatedAt: string;
  updatedBy: string;
  reviewAt: string | null;
  reviewBy: string | null;
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

export const versionMarks = ["drafted", "review", "published", "reopened"] as const;
export type VersionMark = (typeof versionMarks)[number];

/** One text that it had. */
export type VersionView = { version: number; at: string; beganAt: string; by: string; mark: VersionMark | null };
