import { promote, readServerRole, type ServerRole, setReadOnly, waitForReplay } from "#lib/database/replica.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type JsonPatch, pointerPart, type Workload } from "#lib/kubernetes/objects.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { databaseOf, type NamedServer } from "./database-address.ts";
import type { FieldChange } from "./schemas.ts";
import { type Secret, type SecretKey, secretPath, secretText } from "./secret-key.ts";

/**
 * Fail-over of a service's PostgreSQL to the replica that is configured for it. Annotations of the workload name two values of
 * Secrets: `switchyard.dev/database-secret` (SECRET/KEY) is the address that its instances read, `switchyard.dev/database-replica`
 * that of the replica, with a role that may promote it. Every step can be repeated: what is done is not done again.
 */

// Together under the minute after which a pending action is taken for a crashed process's.
const catchUpMs = 10_000;
const promoteSeconds = 20;
const secretTries = 5;

type Places = { used: SecretKey; replica: SecretKey };
type Servers = { used: NamedServer; replica: NamedServer };

/** What a fail-over would do to the database, and what is at stake. Throws precondition-failed when it cannot be done. */
export async function previewFailOver(
  { kubernetes, clock }: Pick<Context, "kubernetes" | "clock">,
  workload: Workload,
): Promise<{ changes: FieldChange[]; affected: string[] }> {
  const { used, replica } = await readServers(kubernetes, placesOf(workload));
  const role = await askReplica(replica);
  const changes: FieldChange[] = [];
  if (used.name !== replica.name) changes.push({ field: "database", before: used.name, after: replica.name });
  if (role.kind === "primary") return { changes, affected: [] };
  changes.unshift({ field: replica.name, before: "standby", after: "primary" });
  const primary = await readServerRole(used).catch((error: Error) => error);
  if (!(primary instanceof Error)) {
    return {
      changes,
      affected: [
        `${used.name} answers: it is made read-only first, and the replica catches up, so that no committed write is lost.`,
      ],
    };
  }
  const { lastTransactionAt: at } = role;
  const known = at
    ? `Its last transaction is from ${at.toISOString().slice(11, 19)} UTC, ${Math.max(0, Math.round((clock().getTime() - at.getTime()) / 1000))} s ago.`
    : "It has replayed no transaction since it started.";
  return { changes, affected: [`${used.name} does not answer: what the replica has not received is lost. ${known}`] };
}

/**
 * Makes the replica the primary and lets the service's Secret name it. A primary that still answers is made read-only first, and the
 * replica has to catch up with it. Returns the name of the server, without credentials. Throws precondition-failed.
 */
export async function moveToReplica(context: Pick<Context, "kubernetes" | "logger">, workload: Workload): Promise<string> {
  const { kubernetes } = context;
  const places = placesOf(workload);
  const { used, replica } = await readServers(kubernetes, places);
  if ((await askReplica(replica)).kind === "standby") {
    const isFenced = used.name !== replica.name && (await fence(context, { used, replica }));
    const failed = await promote(replica, promoteSeconds).then(
      (isPrimary) => (isPrimary ? null : `it is no primary after ${promoteSeconds} s`),
      (error: Error) => error.message,
    );
    if (failed !== null) {
      if (isFenced) await unfence(context, used);
      refuse(`${replica.name} was not promoted: ${failed}. Look at its log, then try again.`);
    }
  }
  await writeSecret(kubernetes, places);
  return replica.name;
}

/** No write may be committed on the former primary that the replica does not get. False when there is no primary that answers. */
async function fence(context: Pick<Context, "logger">, { used, replica }: Servers): Promise<boolean> {
  const role = await readServerRole(used).catch((error: Error) => error);
  if (role instanceof Error || role.kind === "standby") return false;
  const position = await setReadOnly(used, true).catch((error: Error) => error);
  if (position instanceof Error) {
    refuse(
      `${used.name} answers and could not be made read-only (${position.message}): writes to it would be lost. Stop it first, or give its role the right to ALTER SYSTEM.`,
    );
  }
  if (await waitForReplay(replica, position, catchUpMs).catch(() => false)) return true;
  await unfence(context, used);
  refuse(
    `${replica.name} did not catch up with ${used.name} within ${catchUpMs / 1000} s; the primary takes writes again. If the primary is to be given up, stop it first.`,
  );
}

async function unfence({ logger }: Pick<Context, "logger">, used: Servers["used"]): Promise<void> {
  await setReadOnly(used, false).catch((error: unknown) => {
    logger.error({ err: error, server: used.name }, "a primary that was to be given up stays read-only");
  });
}

async function writeSecret(kubernetes: KubernetesClient, { used, replica }: Places): Promise<void> {
  const path = secretPath(used);
  for (let tries = 1; ; tries += 1) {
    const [present, source] = await Promise.all([kubernetes.get<Secret>(path), kubernetes.get<Secret>(secretPath(replica))]);
    const address = secretText(source, replica);
    if (secretText(present, used) === address) return;
    const patch: JsonPatch = [
      { op: "test", path: "/metadata/resourceVersion", value: present.metadata.resourceVersion },
      { op: "add", path: `/data/${pointerPart(`${used.key}.former`)}`, value: present.data?.[used.key] ?? "" },
      { op: "add", path: `/data/${pointerPart(used.key)}`, value: Buffer.from(address).toString("base64") },
    ];
    try {
      await kubernetes.patch(path, patch);
      return;
    } catch (error) {
      const isAgain = error instanceof KubernetesError && (error.status === 409 || error.status === 422) && tries < secretTries;
      if (!isAgain) throw error;
    }
  }
}

function placesOf({ metadata }: Workload): Places {
  const read = (name: string): SecretKey | null => {
    const [secret, key] = (metadata.annotations?.[`switchyard.dev/${name}`]?.trim() ?? "").split("/");
    return secret && key ? { namespace: metadata.namespace ?? "", name: secret, key } : null;
  };
  const [used, replica] = [read("database-secret"), read("database-replica")];
  if (used && replica) return { used, replica };
  return refuse(
    `No replica is configured for ${metadata.name}: its annotations switchyard.dev/database-secret and database-replica (SECRET/KEY) name the addresses of its database and of the replica.`,
  );
}

async function readServers(kubernetes: KubernetesClient, { used, replica }: Places): Promise<Servers> {
  const [present, source] = await Promise.all([
    kubernetes.get<Secret>(secretPath(used)),
    kubernetes.get<Secret>(secretPath(replica)),
  ]);
  return { used: await databaseOf(kubernetes, present, used), replica: await databaseOf(kubernetes, source, replica) };
}

async function askReplica(replica: Servers["replica"]): Promise<ServerRole> {
  return readServerRole(replica).catch((error: Error) =>
    refuse(`The replica ${replica.name} does not answer: ${error.message}. Nothing was changed.`),
  );
}

function refuse(message: string): never {
  throw new DomainError("precondition-failed", message);
}
