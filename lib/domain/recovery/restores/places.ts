import { setTimeout as sleep } from "node:timers/promises";
import { readServerRole } from "#lib/database/replica.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { serviceOfHost } from "#lib/kubernetes/cluster-ip.ts";
import type { NamedServer } from "../../actions/database-address.ts";
import { DomainError } from "../../errors.ts";
import { readContents } from "../backups/plans.ts";
import { type RedisServer, resolvePostgres, resolveRedis } from "../sources/addresses.ts";
import { findOne } from "../sources/object-search.ts";
import { modeOf, type StoredRestore } from "./stored.ts";

type Kubernetes = { kubernetes: KubernetesClient };
type Target = Pick<StoredRestore, "namespace" | "intoNamespace" | "mode"> & { backup: Pick<StoredRestore["backup"], "contents"> };

/** The namespace that a restore writes into. */
export function namespaceOf({
  namespace,
  intoNamespace,
  mode,
}: Pick<StoredRestore, "namespace" | "intoNamespace" | "mode">): string {
  return (mode === "namespace" ? intoNamespace : namespace) ?? "";
}

/** The PostgreSQL that a restore writes into. Throws precondition-failed when there is none that it may write into, and KubernetesError. */
export async function postgresPlace({ kubernetes }: Kubernetes, target: Target): Promise<NamedServer> {
  const { postgres } = readContents(target.backup);
  if (!postgres?.address) throw missing("PostgreSQL");
  const server = await resolvePostgres(kubernetes, namespaceOf(target), postgres.address);
  await refuseElsewhere(kubernetes, target, server);
  return server;
}

/** The Redis that a restore writes into; throws as postgresPlace. */
export async function redisPlace({ kubernetes }: Kubernetes, target: Target): Promise<RedisServer> {
  const { redis } = readContents(target.backup);
  if (!redis) throw missing("Redis");
  const server = await resolveRedis(kubernetes, namespaceOf(target), redis);
  await refuseElsewhere(kubernetes, target, server);
  return server;
}

function missing(what: string): DomainError {
  return new DomainError(
    "precondition-failed",
    `The backup does not say where its ${what} was: it cannot be put back by itself.`,
  );
}

/** Data that go into another namespace must never reach the servers of the present one. */
async function refuseElsewhere(
  kubernetes: KubernetesClient,
  target: Target,
  { url, name }: { url: string; name: string },
): Promise<void> {
  if (modeOf(target) !== "namespace") return;
  const namespace = namespaceOf(target);
  const service = serviceOfHost(new URL(url).hostname, namespace);
  const isOwn = service?.namespace === namespace && (await findOne(kubernetes, "Service", namespace, service.name)) !== null;
  if (isOwn) return;
  throw new DomainError(
    "precondition-failed",
    `${name} is no Service of the namespace ${namespace}: data restored there could reach the present servers. Restore the server's own service into ${namespace} first.`,
  );
}

const readyTimeoutMs = 180_000;
const pollMs = 500;

/** Waits until a PostgreSQL that was just made answers. Throws precondition-failed after three minutes. */
export async function waitForPostgres(server: NamedServer, signal: AbortSignal): Promise<void> {
  const until = performance.now() + readyTimeoutMs;
  for (;;) {
    const answer = await readServerRole(server).catch((error: Error) => error);
    if (!(answer instanceof Error) || isNoDatabase(answer)) return;
    if (performance.now() > until) {
      throw new DomainError("precondition-failed", `${server.name} does not answer: ${answer.message}. Look at its instances.`);
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** The server answers; the database is what is to be restored. */
function isNoDatabase(error: Error & { code?: string }): boolean {
  return error.code === "3D000";
}
