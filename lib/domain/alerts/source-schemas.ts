import { z } from "zod";

const urlSchema = z
  .string()
  .trim()
  .transform((text) => text.replace(/\/+$/, ""))
  .refine(isWebAddress, "Give an address that begins with http:// or https://, without a user name or password.");

const urlsSchema = z
  .array(urlSchema)
  .max(10, "Give at most 10 Alertmanagers.")
  .transform((urls) => [...new Set(urls)]);

export const createSourceSchema = z.object({
  name: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "Use letters, digits and dashes; up to 63 characters."),
  /** The API of every Alertmanager of the cluster; without any, nothing is polled and only its webhook tells of alerts. */
  urls: urlsSchema.default([]),
});
export type CreateSourceInput = z.input<typeof createSourceSchema>;

export const updateSourceSchema = z
  .object({ urls: urlsSchema, disabled: z.boolean() })
  .partial()
  .refine((input) => Object.keys(input).length > 0, "Give at least one thing to change.");
export type UpdateSourceInput = z.input<typeof updateSourceSchema>;

/** An Alertmanager, or several that form one cluster. Times are ISO 8601 in UTC. */
export type AlertSourceView = {
  id: string;
  name: string;
  /** The first characters of its webhook's secret, to recognise it by. */
  prefix: string;
  createdAt: string;
  createdBy: string;
  disabled: boolean;
  lastReceivedAt: string | null;
  /** When its Watchdog was last known to fire; null when it never was. */
  watchdogAt: string | null;
  members: {
    url: string;
    lastPolledAt: string | null;
    failingSince: string | null;
    lastError: string | null;
    startedAt: string | null;
  }[];
  /** Since when its alerts can come and go unseen, and why; null while it is heard. */
  blind: { since: string; reason: string } | null;
  openAlerts: number;
};

/** The answer to making a source or a new secret for one: the only time that the secret is shown. */
export type CreatedSource = { source: AlertSourceView; secret: string };

/** How long alerts are kept, in days: episodes with their transitions, and the bodies of webhooks as they came. */
export const retentionSchema = z.object({
  episodeDays: z.int("Give whole days.").min(1, "Keep them at least a day.").max(3_650, "Keep them at most ten years."),
  bodyDays: z.int("Give whole days.").min(1, "Keep them at least a day.").max(365, "Keep them at most a year."),
});
export type AlertRetention = z.output<typeof retentionSchema>;
export const defaultRetention: AlertRetention = { episodeDays: 400, bodyDays: 30 };

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}
