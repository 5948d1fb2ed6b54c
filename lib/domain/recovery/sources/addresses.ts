import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { findClusterIp } from "#lib/kubernetes/cluster-ip.ts";
import { databaseOf, isPostgresUrl, type NamedServer } from "../../actions/database-address.ts";
import { readSecretValue, type Secret, secretPath } from "../../actions/secret-key.ts";
import { DomainError } from "../../errors.ts";
import type { Contents } from "../backups/schemas.ts";

/** A Redis: its address with credentials, where to dial when its name means nothing here, and a name without credentials. */
export type RedisServer = { url: string; host?: string; name: string };

/** A Secret of a namespace, and the key in it. */
export type SecretAddress = { secret: string; key: string };

/** The PostgreSQL that a Secret of the namespace names. Throws precondition-failed when it names none, and KubernetesError. */
export async function resolvePostgres(
  kubernetes: KubernetesClient,
  namespace: string,
  { secret, key }: SecretAddress,
): Promise<NamedServer> {
  const place = { namespace, name: secret, key };
  return databaseOf(kubernetes, await kubernetes.get<Secret>(secretPath(place)), place);
}

/** The Redis of a plan. Throws precondition-failed when the Secret holds no such address, and KubernetesError. */
export async function resolveRedis(
  kubernetes: KubernetesClient,
  namespace: string,
  { url, address }: NonNullable<Contents["redis"]>,
): Promise<RedisServer> {
  const text = address ? await readSecretValue(kubernetes, { namespace, name: address.secret, key: address.key }) : (url ?? "");
  if (!isRedisUrl(text)) {
    const where = address ? `The value ${address.key} of the Secret ${address.secret}` : "The address";
    throw new DomainError("precondition-failed", `${where} is no address of a Redis (redis://HOST:PORT).`);
  }
  return { url: text, name: addressName(text), host: await findClusterIp(kubernetes, namespace, new URL(text).hostname) };
}

export function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol);
}

/** The address of a PostgreSQL or a Redis for people: "postgres:5432/relay", without credentials. */
export function addressName(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || (isPostgresUrl(url) ? "5432" : "6379")}${pathname === "/" ? "" : pathname}`;
}
