import { z } from "zod";
import { storableText } from "#lib/database/storable.ts";
import { DomainError } from "../errors.ts";
import type { Notice } from "./policy.ts";

/** The alert that always fires: it shows that the way from Prometheus to Switchyard is open. It has no episodes. */
export const watchdogName = "Watchdog";

/** What an Alertmanager tells of one alert, by webhook or by its API. */
export type AlertNotice = {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  generatorUrl: string | null;
  notice: Notice;
};

/** The alerts of one webhook. `unreadable` says how many of them have no labels or no times that can be read. */
export type WebhookBody = { notices: AlertNotice[]; unreadable: number };

// As z.record(z.string(), z.string()), which takes a third of the time that a webhook takes to be read.
const textMap = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string"),
  "wants a map of texts",
);
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text).getTime());

const alertSchema = z
  .object({
    status: z.enum(["firing", "resolved"]),
    labels: textMap,
    annotations: textMap.nullish(),
    startsAt: time.refine((at) => at > 0),
    endsAt: time.nullish(),
    generatorURL: z.string().nullish(),
    fingerprint: z
      .string()
      .regex(/^[0-9a-zA-Z_-]{1,64}$/)
      .optional(),
  })
  .transform(({ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }): AlertNotice => {
    const end = { status: "resolved", startsAt, endsAt: endsAt ?? startsAt } as const;
    return {
      fingerprint: fingerprint ?? fingerprintOf(labels),
      labels,
      annotations: annotations ?? {},
      generatorUrl: generatorURL || null,
      notice: status === "firing" ? { status, startsAt } : end,
    };
  });

const bodySchema = z.object({ alerts: z.array(z.unknown()) });

/**
 * Reads the body of an Alertmanager's webhook, version 4. Fields that are not known are let pass, and an alert that cannot be read
 * does not cost the others. Throws invalid-input when nothing of it can be read: only that may be answered with 4xx, because
 * Alertmanager never sends such an answer's alerts again.
 */
export function readWebhookBody(text: string): WebhookBody {
  const body = bodySchema.safeParse(parseJson(text.replaceAll("\0", "\uFFFD")));
  if (!body.success)
    throw new DomainError("invalid-input", "This is no Alertmanager webhook: it wants JSON with a list of alerts.");
  const read = body.data.alerts.map((alert) => alertSchema.safeParse(alert));
  const notices = read.flatMap((result) => (result.success ? [result.data] : []));
  if (read.length > 0 && notices.length === 0) {
    const problem = read.find((result) => !result.success)?.error?.issues[0];
    const where = problem?.path.join(".") ?? "";
    throw new DomainError("invalid-input", `None of the alerts can be read; the first one's ${where}: ${problem?.message}.`);
  }
  return { notices, unreadable: read.length - notices.length };
}

/** Alertmanager's own fingerprint of a set of labels (64-bit FNV-1a over the sorted names and values), for bodies that lack it. */
export function fingerprintOf(labels: Record<string, string>): string {
  const names = Object.keys(labels).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  let hash = 0xcbf29ce484222325n;
  const add = (byte: number) => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  };
  for (const name of names) {
    for (const part of [name, labels[name] ?? ""]) {
      for (const byte of Buffer.from(part)) add(byte);
      add(0xff);
    }
  }
  return hash.toString(16).padStart(16, "0");
}

/** Parses with texts that PostgreSQL can store. JSON holds the others only as escapes, which are rare: most bodies need no care. */
function parseJson(text: string): unknown {
  const mayHoldOthers = /\\u(0000|d[89a-f])/i.test(text);
  try {
    return JSON.parse(text, mayHoldOthers ? (_key, value) => toStorable(value) : undefined);
  } catch {
    return undefined;
  }
}

function toStorable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [storableText(name), part]));
}
