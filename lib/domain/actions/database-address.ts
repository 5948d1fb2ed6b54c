import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { findClusterIp } from "#lib/kubernetes/cluster-ip.ts";
import { DomainError } from "../errors.ts";
import { type Secret, type SecretKey, secretText } from "./secret-key.ts";

/** A server, with a name for people that holds no credentials: "postgres:5432/relay". */
export type NamedServer = ServerAddress & { name: string };

/** The PostgreSQL whose address a Secret holds. Throws precondition-failed when that is no such address. */
export async function databaseOf(kubernetes: KubernetesClient, secret: Secret, place: SecretKey): Promise<NamedServer> {
  const url = secretText(secret, place);
  if (!isPostgresUrl(url)) {
    throw new DomainError(
      "precondition-failed",
      `The value ${place.key} of the Secret ${place.name} is no address of a PostgreSQL (postgresql://...).`,
    );
  }
  const { hostname, port, pathname } = new URL(url);
  const name = `${hostname}:${port || "5432"}${pathname}`;
  return { url, name, host: await findClusterIp(kubernetes, place.namespace, hostname) };
}

export function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
}
