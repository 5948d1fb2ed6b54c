import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../errors.ts";

/** One value of a Secret. It never reaches a page, a log or the audit. */
export type SecretKey = { namespace: string; name: string; key: string };

export type Secret = { metadata: { name: string; resourceVersion: string }; data?: Record<string, string> };

export function secretPath({ namespace, name }: SecretKey): string {
  return `${paths.configOf("Secret", namespace)}/${encodeURIComponent(name)}`;
}

/** Reads a value; throws precondition-failed when the Secret has none of that key. */
export async function readSecretValue(kubernetes: KubernetesClient, place: SecretKey): Promise<string> {
  return secretText(await kubernetes.get<Secret>(secretPath(place)), place);
}

export function secretText(secret: Secret, { name, key }: SecretKey): string {
  const value = secret.data?.[key];
  if (value === undefined) throw new DomainError("precondition-failed", `The Secret ${name} has no key ${key}.`);
  return Buffer.from(value, "base64").toString("utf8").trim();
}
