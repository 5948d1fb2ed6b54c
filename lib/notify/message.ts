/** One event as a message tells it. */
export type MessageEvent = {
  /** The same for every message and target that tells of this event. */
  key: string;
  event: string;
  title: string;
  text: string;
  severity: string | null;
  namespace: string | null;
  service: string | null;
  at: Date;
  /** The page that shows it. */
  url: string;
};

/** What goes to one target at once: one event, or several that came close together. */
export type Message = {
  /** Stays the same when it is sent again, so that a receiver can tell a repetition. */
  id: string;
  title: string;
  createdAt: Date;
  /** The page that shows all of it. */
  url: string;
  /** The most severe first, then the oldest; for people, the ones to list. */
  events: readonly MessageEvent[];
  /** How many there are, those that are not listed included. */
  total: number;
  /** What is not listed, counted by what it is, the most frequent first. */
  rest: readonly { what: string; count: number }[];
};

/**
 * How an attempt ended. refused: the other side understood and said no (4xx, SMTP 5xx, a redirect). failing: it is in trouble
 * (5xx, 429, SMTP 4xx). unreachable: no connection or it broke. blocked: its address may not be used.
 */
export type SendOutcome = "delivered" | "refused" | "failing" | "unreachable" | "timed-out" | "blocked";

/** The end of one attempt, without secrets. */
export type SendResult = {
  outcome: SendOutcome;
  /** What the other side said, e.g. "HTTP 200" or "250 2.0.0 accepted". */
  answer: string | null;
  /** The beginning of its answer's body. */
  excerpt: string | null;
  /** What went wrong, as a sentence. */
  error: string | null;
  /** How long it asks to be left alone. */
  retryAfterMs: number | null;
  /** It says that it will never take messages here again. */
  isGone: boolean;
};

/** A result of which only what differs is given. */
export function result(outcome: SendOutcome, rest: Partial<Omit<SendResult, "outcome">> = {}): SendResult {
  return { outcome, answer: null, excerpt: null, error: null, retryAfterMs: null, isGone: false, ...rest };
}

/** What is not listed, as a line; null when everything is. */
export function describeRest({ events, total, rest }: Pick<Message, "events" | "total" | "rest">): string | null {
  const more = total - events.length;
  if (more <= 0) return null;
  const named = rest.slice(0, 8).map(({ what, count }) => `${count} × ${what}`);
  return `and ${more} more: ${named.join(", ")}${rest.length > named.length ? " and others" : ""}`;
}

/** A time for people in any zone: "21 Nov 2026, 11:36:05 UTC". */
export function formatTime(at: Date): string {
  const date = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return `${date}, ${at.toISOString().slice(11, 19)} UTC`;
}

/** Where and when of an event, on one line. */
export function describePlace({ namespace, service, severity, at }: MessageEvent): string {
  const where = service ? `${namespace}/${service}` : namespace;
  return [where, severity && severity !== "none" ? severity : null, formatTime(at)].filter(Boolean).join(" · ");
}
