import { z } from "zod";
import type { NotificationTarget } from "#lib/database/generated/client.ts";
import { isRefusedAddress } from "#lib/notify/address.ts";
import { SealedError, type Sealer } from "#lib/runtime/sealed.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { type createTargetSchema, type TargetSettings, updateSettingsSchemas } from "./schemas.ts";
import { describeAddress, makeSigningSecret, openSecrets, type TargetSecrets } from "./secrets.ts";

/** Settings parted into what may be shown and what is sealed; `signingSecret` when one was made that nobody has seen yet. */
export type PartedSettings = { config: TargetSettings; secrets: TargetSecrets; signingSecret: string | null };

/** Parts the settings of a new target. Throws invalid-input for an address that notifications are not sent to. */
export function makeSettings(input: z.output<typeof createTargetSchema>): PartedSettings {
  switch (input.kind) {
    case "webhook":
      return makeWebhook(input.settings.url, { signingSecret: input.settings.signingSecret });
    case "slack":
      return makeSlack(input.settings.url);
    case "email": {
      const { password, ...settings } = input.settings;
      refuseAddress(settings.host, "host");
      const secrets = password === null ? {} : { password };
      return { config: { kind: "email", ...settings, hasPassword: password !== null }, secrets, signingSecret: null };
    }
  }
}

/**
 * The settings of a target after a change; null when nothing of them changes. Secrets that do not open with the present key have to
 * be given anew, and a password also when it would go to another server than the one it was entered for.
 */
export function changeSettings(sealer: Sealer, before: NotificationTarget, given: object): PartedSettings | null {
  const present = describeSettings(before);
  switch (present.kind) {
    case "webhook": {
      const { url } = parseSettings(updateSettingsSchemas.webhook, given);
      return url === undefined ? null : makeWebhook(url, { signing: findSecrets(sealer, before)?.signing });
    }
    case "slack": {
      const { url } = parseSettings(updateSettingsSchemas.slack, given);
      return url === undefined ? null : makeSlack(url);
    }
    case "email": {
      const { password, ...settings } = parseSettings(updateSettingsSchemas.email, given);
      refuseAddress(settings.host, "host");
      const goesElsewhere =
        settings.host !== present.host ||
        settings.port !== present.port ||
        settings.security !== present.security ||
        settings.username !== present.username;
      const wantsPassword = present.hasPassword && settings.username !== null;
      const kept = goesElsewhere ? undefined : findSecrets(sealer, before)?.password;
      if (password === undefined && wantsPassword && kept === undefined) {
        throw invalid("password", "Give the password again: it is not sent to another server or user than it was entered for.");
      }
      const next = settings.username === null ? null : password === undefined ? (kept ?? null) : password;
      const secrets = next === null ? {} : { password: next };
      return { config: { kind: "email", ...settings, hasPassword: next !== null }, secrets, signingSecret: null };
    }
  }
}

/** What of a stored target may be shown. */
export function describeSettings({ config }: Pick<NotificationTarget, "config">): TargetSettings {
  return config as TargetSettings;
}

/** The secrets of a target, or null when they do not open with the present key. */
export function findSecrets(sealer: Sealer, target: NotificationTarget): TargetSecrets | null {
  try {
    return openSecrets(sealer, target);
  } catch (error) {
    if (error instanceof SealedError) return null;
    throw error;
  }
}

function makeWebhook(
  url: string,
  given: { signingSecret?: string | undefined; signing?: TargetSecrets["signing"] | undefined },
): PartedSettings {
  refuseAddress(new URL(url).hostname, "url");
  const config = { kind: "webhook", address: describeAddress(url) } as const;
  if (given.signing) return { config, secrets: { url, signing: given.signing }, signingSecret: null };
  const secret = given.signingSecret ?? makeSigningSecret();
  return { config, secrets: { url, signing: [{ secret, until: null }] }, signingSecret: given.signingSecret ? null : secret };
}

function makeSlack(url: string): PartedSettings {
  refuseAddress(new URL(url).hostname, "url");
  return { config: { kind: "slack", address: describeAddress(url) }, secrets: { url }, signingSecret: null };
}

function parseSettings<S extends z.ZodType>(schema: S, given: object): z.output<S> {
  const wrapped = z.object({ settings: schema }) as unknown as z.ZodType<{ settings: z.output<S> }>;
  return parseInput(wrapped, { settings: given }).settings;
}

function refuseAddress(host: string, field: string): void {
  if (!isRefusedAddress(host.replace(/^\[|\]$/g, ""))) return;
  throw invalid(field, "Link-local, metadata and multicast addresses are refused.");
}

function invalid(field: string, message: string): DomainError {
  return new DomainError("invalid-input", message, { fields: { [`settings.${field}`]: [message] } });
}
