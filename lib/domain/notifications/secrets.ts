import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { NotificationTarget } from "#lib/database/generated/client.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";

const secretsSchema = z.object({
  url: z.string().optional(),
  /** The newest first; one that was replaced signs too until its time is over. */
  signing: z.array(z.object({ secret: z.string(), until: z.iso.datetime().nullable() })).optional(),
  password: z.string().optional(),
});

/** What of a target is secret. It is opened only to send, and never leaves the server again. */
export type TargetSecrets = z.infer<typeof secretsSchema>;

/** Seals the secrets of a target; they open only in its own row. */
export function sealSecrets(sealer: Sealer, targetId: string, secrets: TargetSecrets): string {
  return sealer.seal(JSON.stringify(secrets), placeOf(targetId));
}

/** Opens the secrets of a target; throws SealedError. */
export function openSecrets(sealer: Sealer, target: Pick<NotificationTarget, "id" | "sealedSecrets">): TargetSecrets {
  if (target.sealedSecrets === null) return {};
  return secretsSchema.parse(JSON.parse(sealer.open(target.sealedSecrets, placeOf(target.id))));
}

/** A new signing secret in the form of Standard Webhooks: 256 random bits. */
export function makeSigningSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

/** Where an address leads without what may be a secret in it: any part of a path, or a query, may be one. */
export function describeAddress(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return pathname === "/" && search === "" ? origin : `${origin}/…`;
}

function placeOf(targetId: string): string {
  return `notification-target/${targetId}`;
}
