import { z } from "zod";

/** Alertmanager's API v2, as its OpenAPI document describes it; fields that are not named here are let pass and dropped. */

const time = z.iso.datetime({ offset: true });
const toDate = time.transform((text) => new Date(text));
const textMap = z.record(z.string(), z.string());

export const statusSchema = z.object({
  /** When it started. */
  uptime: toDate,
  versionInfo: z.object({ version: z.string() }),
  cluster: z.object({ status: z.string(), peers: z.array(z.object({ name: z.string(), address: z.string() })).nullish() }),
});

/** What an Alertmanager says of itself. */
export type AlertmanagerStatus = { version: string; startedAt: Date; peers: number };

export const alertSchema = z
  .object({
    fingerprint: z.string().min(1),
    labels: textMap,
    annotations: textMap.default({}),
    startsAt: toDate,
    endsAt: toDate,
    updatedAt: toDate,
    generatorURL: z.string().optional(),
    status: z.object({
      state: z.enum(["unprocessed", "active", "suppressed"]),
      silencedBy: z.array(z.string()).nullish(),
      inhibitedBy: z.array(z.string()).nullish(),
    }),
  })
  .transform(({ generatorURL, status, ...alert }) => ({
    ...alert,
    generatorUrl: generatorURL || null,
    state: status.state,
    silencedBy: status.silencedBy ?? [],
    inhibitedBy: status.inhibitedBy ?? [],
  }));

/** An alert that an Alertmanager holds as firing. `silencedBy` are ids of silences, `inhibitedBy` fingerprints of alerts. */
export type AlertmanagerAlert = z.output<typeof alertSchema>;

const matcherSchema = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  /** Alertmanager before 0.22 knows no negative matchers. */
  isEqual: z.boolean().default(true),
});
export type SilenceMatcher = z.output<typeof matcherSchema>;

export const silenceSchema = z.object({
  id: z.string().min(1),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
  matchers: z.array(matcherSchema),
  startsAt: time,
  endsAt: time,
  updatedAt: time,
  createdBy: z.string(),
  comment: z.string(),
});

/** A silence; times are ISO 8601 as Alertmanager writes them. */
export type AlertmanagerSilence = z.output<typeof silenceSchema>;

/** What to write of a silence. With an `id` it replaces that one; the answer's id is the one that counts. */
export type SilenceInput = {
  id?: string;
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
};

export const silenceIdSchema = z.object({ silenceID: z.string().min(1) });
