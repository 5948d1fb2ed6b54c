import { z } from "zod";
import { type EventKind, eventKinds, filterSchema, type NotificationFilter } from "./events.ts";

export const targetKinds = ["webhook", "slack", "email"] as const;
export type TargetKind = (typeof targetKinds)[number];

const nameSchema = z.string().trim().min(1, "Give a name.").max(100, "Use at most 100 characters.");

const urlSchema = z
  .string()
  .trim()
  .max(2000, "Use at most 2,000 characters.")
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    "Give an address that starts with https:// or http://.",
  )
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""),
    "An address holds no user name or password.",
  );

const signingSecretSchema = z
  .string()
  .trim()
  .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, "A signing secret is whsec_ and 24 to 64 bytes in base64.");

const mailAddressSchema = z
  .string()
  .trim()
  .max(320)
  .regex(/^(?:[^<>@\r\n]*<)?[^\s<>@,;"]+@[^\s<>@,;"]+>?$/, "Give an address like ops@example.org.");

export const securities = ["starttls", "tls", "none"] as const;

const mailSchema = z.object({
  host: z
    .string()
    .trim()
    .min(1, "Give the name of the mail server.")
    .max(253)
    .regex(/^[A-Za-z0-9.:_-]+$/, "Give a name or an address, without port."),
  port: z.int("Give a whole number.").min(1, "Give a port from 1 to 65535.").max(65_535, "Give a port from 1 to 65535."),
  security: z.enum(securities),
  username: z.string().trim().min(1).max(200).nullable().default(null),
  from: mailAddressSchema,
  to: z.array(mailAddressSchema).min(1, "Name at least one recipient.").max(50, "Name at most 50 recipients."),
});
/** What of an e-mail target is no secret. */
export type MailSettings = z.infer<typeof mailSchema>;

const passwordSchema = z.string().min(1).max(500).nullable();
const noPlainPassword = "A password goes over an encrypted connection only: choose STARTTLS or TLS.";
const noPasswordWithoutName = "Give the user name that belongs to the password.";

const mailWithPassword = mailSchema
  .extend({ password: passwordSchema.default(null) })
  .refine(({ security, username }) => security !== "none" || username === null, { path: ["security"], error: noPlainPassword })
  .refine(({ username, password }) => username !== null || password === null, {
    path: ["username"],
    error: noPasswordWithoutName,
  });

const common = { name: nameSchema, filter: filterSchema };

export const createTargetSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("webhook"),
    ...common,
    /** Without a signing secret one is made. */
    settings: z.object({ url: urlSchema, signingSecret: signingSecretSchema.optional() }),
  }),
  z.object({ kind: z.literal("slack"), ...common, settings: z.object({ url: urlSchema }) }),
  z.object({ kind: z.literal("email"), ...common, settings: mailWithPassword }),
]);
export type CreateTargetInput = z.input<typeof createTargetSchema>;

/** The settings of a change, by kind. What is secret and is left out stays as it is; a password of null is taken away. */
export const updateSettingsSchemas = {
  webhook: z.object({ url: urlSchema.optional() }),
  slack: z.object({ url: urlSchema.optional() }),
  email: mailSchema
    .extend({ password: passwordSchema.optional() })
    .refine(({ security, username }) => security !== "none" || username === null, { path: ["security"], error: noPlainPassword })
    .refine(({ username, password }) => username !== null || !password, { path: ["username"], error: noPasswordWithoutName }),
} as const;

export const updateTargetSchema = z
  .object({ name: nameSchema, filter: filterSchema, disabled: z.boolean(), settings: z.record(z.string(), z.unknown()) })
  .partial()
  .refine((input) => Object.keys(input).length > 0, "Give at least one thing to change.");
export type UpdateTargetInput = z.input<typeof updateTargetSchema>;

/** What of a target is no secret: where it goes, without what could be a secret in the address, or the mail settings. */
export type TargetSettings =
  | { kind: "webhook"; address: string }
  | { kind: "slack"; address: string }
  | ({ kind: "email"; hasPassword: boolean } & MailSettings);

export const deliveryStates = ["pending", "delivered", "failed"] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** How an attempt ended; cancelled = its target was disabled, unreadable = its secrets do not open with the present key. */
export const attemptOutcomes = [
  "delivered",
  "refused",
  "failing",
  "unreachable",
  "timed-out",
  "blocked",
  "unreadable",
  "cancelled",
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** A target as pages see it. Times are ISO 8601 in UTC. */
export type TargetView = {
  id: string;
  name: string;
  settings: TargetSettings;
  filter: NotificationFilter;
  disabled: boolean;
  createdAt: string;
  updatedAt: string;
  updatedBy: string;
  /** It asked to be left alone until then. */
  heldUntil: string | null;
  /** Messages that wait for another attempt, and events that wait to be put into a message. */
  waiting: number;
  /** Messages that were given up in the last 24 h. */
  failed: number;
  last: { deliveryId: string; state: DeliveryState; outcome: AttemptOutcome | null; at: string; answer: string | null } | null;
};

/** The answer to making a webhook target or to rotating its secret: the only time that the secret is shown. */
export type TargetWithSecret = { target: TargetView; signingSecret: string | null };

export const listDeliveriesSchema = z.object({
  target: z.uuid().optional(),
  state: z.enum(deliveryStates).optional(),
  event: z.enum(eventKinds).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListDeliveriesInput = z.input<typeof listDeliveriesSchema>;

/** One message in the log. */
export type DeliveryView = {
  id: string;
  targetId: string;
  target: string;
  targetKind: TargetKind;
  isTest: boolean;
  title: string;
  eventCount: number;
  state: DeliveryState;
  outcome: AttemptOutcome | null;
  attempts: number;
  createdAt: string;
  nextAttemptAt: string | null;
  giveUpAt: string;
  settledAt: string | null;
  /** A controller is sending it now. */
  isUnderWay: boolean;
};

export type AttemptView = {
  at: string;
  durationMs: number;
  outcome: AttemptOutcome;
  answer: string | null;
  /** The beginning of the answer's body; administrators only, null for everyone else. */
  excerpt: string | null;
  error: string | null;
};

export type DeliveredEvent = {
  key: string;
  event: EventKind;
  severity: string | null;
  title: string;
  text: string;
  path: string;
  at: string;
};

/** A message with its attempts, newest first, and the first 500 of its events. */
export type DeliveryDetail = DeliveryView & { log: AttemptView[]; events: DeliveredEvent[] };

/** What a filter would have let pass in the last 24 h. */
export type FilterPreview = {
  matched: number;
  total: number;
  byEvent: { event: EventKind; matched: number; total: number }[];
  /** Events that are not kept, and so cannot be counted. */
  uncounted: EventKind[];
};
