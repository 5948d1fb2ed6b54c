import { randomUUID } from "node:crypto";
import type { ObservedConfig } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type ConfigObject, paths, type Workload } from "#lib/kubernetes/objects.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";
import { writeAudit } from "../audit.ts";
import { type Context, isUniqueViolation, transact } from "../context.ts";
import { listManagedWorkloads } from "../fleet/fresh.ts";
import { listReferences } from "../rollouts/start/config-references.ts";

type ObserverContext = Pick<Context, "db" | "kubernetes" | "clock" | "logger"> & { sealer: Sealer };

type Kind = ConfigObject["kind"];
/** A ConfigMap or Secret with the names of the services that read it. */
type Read = { namespace: string; kind: Kind; name: string; services: Set<string> };
type Fingerprints = Record<string, string>;

/**
 * Looks at every ConfigMap and Secret that managed workloads read and records in the audit of each of their services which keys were
 * changed since the last look: Switchyard changes none itself, for its rollouts make copies. The object's version is the key of the row,
 * so that two controllers record a change once. What is seen for the first time is only remembered; of values only keyed hashes are kept.
 */
export async function observeConfig(context: ObserverContext): Promise<void> {
  const reads = listReads(await listManagedWorkloads(context.kubernetes));
  const known = new Map((await context.db.observedConfig.findMany()).map((row) => [keyOf(row), row]));
  for (const [place, of] of Map.groupBy(reads.values(), ({ namespace, kind }) => `${namespace}/${kind}`)) {
    const objects = await listObjects(context, place, of);
    for (const read of of) {
      const object = objects.get(read.name);
      const before = known.get(keyOf(read));
      if (object && object.metadata.resourceVersion !== before?.resourceVersion) await look(context, read, object, before);
    }
  }
  const forgotten = [...known]
    .filter(([key]) => !reads.has(key))
    .map(([, { namespace, kind, name }]) => ({ namespace, kind, name }));
  if (forgotten.length > 0) await context.db.observedConfig.deleteMany({ where: { OR: forgotten } });
}

function listReads(workloads: readonly Workload[]): Map<string, Read> {
  const reads = new Map<string, Read>();
  for (const { metadata, spec } of workloads) {
    for (const { kind, name } of listReferences(spec.template)) {
      const namespace = metadata.namespace ?? "";
      const read = reads.get(keyOf({ namespace, kind, name })) ?? { namespace, kind, name, services: new Set() };
      read.services.add(metadata.name);
      reads.set(keyOf(read), read);
    }
  }
  return reads;
}

const keyOf = ({ namespace, kind, name }: { namespace: string; kind: string; name: string }) => `${namespace}/${kind}/${name}`;

/** What may not be listed is not watched. */
async function listObjects({ kubernetes, logger }: ObserverContext, place: string, [first]: readonly Read[]) {
  if (!first) return new Map<string, ConfigObject>();
  try {
    const objects = await kubernetes.list<Omit<ConfigObject, "kind">>(paths.configOf(first.kind, first.namespace));
    return new Map(objects.map((object) => [object.metadata.name, { ...object, kind: first.kind }]));
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status !== 403) throw error;
    logger.debug({ err: error, place }, "changes of configuration cannot be seen");
    return new Map<string, ConfigObject>();
  }
}

async function look(
  context: ObserverContext,
  read: Read,
  object: ConfigObject,
  before: ObservedConfig | undefined,
): Promise<void> {
  const fingerprints = fingerprintsOf(object, context.sealer);
  const keys = before ? changedKeys(before.fingerprints as Fingerprints, fingerprints) : [];
  if (keys.length > 0) for (const service of read.services) await record(context, { read, object, service, keys });
  const { namespace, kind, name } = read;
  const row = { resourceVersion: object.metadata.resourceVersion, fingerprints, observedAt: context.clock() };
  await context.db.observedConfig.upsert({
    where: { namespace_kind_name: { namespace, kind, name } },
    create: { namespace, kind, name, ...row },
    update: row,
  });
}

function fingerprintsOf({ data = {}, binaryData = {} }: ConfigObject, sealer: Sealer): Fingerprints {
  const values = Object.entries({ ...data, ...binaryData });
  return Object.fromEntries(values.map(([key, value]) => [key, sealer.fingerprint(value, "observed config").slice(0, 16)]));
}

/** Keys with another value, and those that came or went; in order. */
export function changedKeys(before: Fingerprints, after: Fingerprints): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => before[key] !== after[key]).toSorted();
}

type Change = { read: Read; object: ConfigObject; service: string; keys: string[] };

async function record(context: ObserverContext, { read, object, service, keys }: Change): Promise<void> {
  const { namespace, kind, name } = read;
  const { uid, resourceVersion } = object.metadata;
  const newest = (object.metadata.managedFields ?? []).toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""))[0];
  const now = context.clock();
  const at = newest?.time && Date.parse(newest.time) < now.getTime() ? new Date(newest.time) : now;
  const actor = { kind: "external", id: null, name: newest?.manager ?? "outside Switchyard" } as const;
  try {
    await transact(context, (transaction) =>
      writeAudit(
        transaction,
        { actor, clock: () => at, requestId: randomUUID() },
        {
          verb: "config",
          targetKind: "service",
          targetNamespace: namespace,
          targetName: service,
          after: { intended: { config: `${kind} ${name}`, keys }, message: "Changed outside Switchyard.", generation: null },
          outcome: "succeeded",
          idempotencyKey: `external:config:${uid}:${resourceVersion}:${service}`,
        },
      ),
    );
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
}
