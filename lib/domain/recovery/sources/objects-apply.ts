import { isDeepStrictEqual } from "node:util";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import type { JsonPatch, Workload } from "#lib/kubernetes/objects.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { markOwnGeneration } from "../../ledger/own-changes.ts";
import {
  cleanObject,
  fieldsOf,
  hashObject,
  type LiveObject,
  type ManifestObject,
  moveObject,
  saysTheSame,
} from "./object-form.ts";
import { collectionPath, inOrder, objectPath } from "./object-kinds.ts";
import { findOne } from "./object-search.ts";
import type { ObjectsFacts } from "./objects.ts";

/** "unknown": a Secret that was written since; nothing outside the archive tells whether it says something else. */
export type ObjectChange = { kind: string; name: string; change: "created" | "changed" | "same" | "unknown" };

/** What applying would do to a namespace, from the facts alone. Throws KubernetesError. */
export async function planObjects(
  { kubernetes }: Pick<Context, "kubernetes">,
  facts: ObjectsFacts,
  namespace: string,
): Promise<ObjectChange[]> {
  return Promise.all(
    facts.objects.map(async ({ kind, name, hash, uid, resourceVersion }) => {
      const live = await findOne(kubernetes, kind, namespace, name);
      if (!live) return { kind, name, change: "created" as const };
      if (kind === "PersistentVolumeClaim") return { kind, name, change: "same" as const };
      const isUntouched = live.metadata.uid === uid && live.metadata.resourceVersion === resourceVersion;
      if (hash === null) return { kind, name, change: isUntouched ? ("same" as const) : ("unknown" as const) };
      const isSame = isUntouched || hashObject(cleanObject(kind, live)) === hash;
      return { kind, name, change: isSame ? ("same" as const) : ("changed" as const) };
    }),
  );
}

export type ApplyOptions = {
  namespace: string;
  /** How many instances workloads are to have, by name, where that is not what the archive says. */
  replicas?: ReadonlyMap<string, number>;
  /** Only asks the server; says what would be done. */
  dryRun?: boolean;
};

/**
 * Makes the objects what the archive says, those that others need first; the namespace is made when it is not there. May be repeated:
 * what says the same already is not written. Claims that are there stay as they are. Throws KubernetesError.
 */
export async function applyObjects(
  { kubernetes }: Pick<Context, "kubernetes">,
  objects: readonly ManifestObject[],
  { namespace, replicas = new Map(), dryRun = false }: ApplyOptions,
): Promise<ObjectChange[]> {
  if (!dryRun) await ensureNamespace(kubernetes, namespace);
  const changes: ObjectChange[] = [];
  for (const object of inOrder(objects)) {
    const moved = moveObject(object, object.metadata.namespace ?? namespace, namespace);
    const count = isWorkload(moved.kind) ? replicas.get(moved.metadata.name) : undefined;
    changes.push(await applyOne(kubernetes, count === undefined ? moved : withReplicas(moved, count), { namespace, dryRun }));
  }
  return changes;
}

const mostTries = 5;

type OneOptions = { namespace: string; dryRun?: boolean };

/** Makes one object what the archive says; with `dryRun` the server only checks it. Throws DomainError that names it. */
export async function applyOne(kubernetes: KubernetesClient, object: ManifestObject, options: OneOptions): Promise<ObjectChange> {
  const { kind, metadata } = object;
  for (let tries = 1; ; tries += 1) {
    const live = await findOne(kubernetes, kind, options.namespace, metadata.name);
    try {
      if (!live) {
        await kubernetes.create(collectionPath(kind, options.namespace), object, options);
        return { kind, name: metadata.name, change: "created" };
      }
      const patch = planPatch(object, live);
      if (patch.length === 0) return { kind, name: metadata.name, change: "same" };
      await kubernetes.patch(objectPath(kind, options.namespace, metadata.name), bound(live, patch), options);
      return { kind, name: metadata.name, change: "changed" };
    } catch (error) {
      if (!(await isOvertaken(kubernetes, error, { object, live, options })) || tries === mostTries) throw named(error, object);
    }
  }
}

/** Whether somebody wrote, made or removed the object between our look and our write. */
async function isOvertaken(
  kubernetes: KubernetesClient,
  error: unknown,
  { object, live, options }: { object: ManifestObject; live: LiveObject | null; options: OneOptions },
): Promise<boolean> {
  if (!(error instanceof KubernetesError) || ![404, 409, 422].includes(error.status)) return false;
  const now = await findOne(kubernetes, object.kind, options.namespace, object.metadata.name);
  return now?.metadata.resourceVersion !== live?.metadata.resourceVersion;
}

function named(error: unknown, { kind, metadata }: ManifestObject): unknown {
  if (!(error instanceof KubernetesError)) return error;
  return new DomainError(error.code, `${kind} ${metadata.name}: ${error.message}`, {}, { cause: error });
}

function bound({ metadata }: LiveObject, patch: JsonPatch): JsonPatch {
  return [{ op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion }, ...patch];
}

/** What has to be written so that the present object says what the archive's does; empty when it does. */
export function planPatch(object: ManifestObject, live: LiveObject): JsonPatch {
  const { kind } = object;
  // A claim's data are its own; its specification cannot be changed.
  if (kind === "PersistentVolumeClaim") return [];
  const present = cleanObject(kind, live);
  if (saysTheSame(object, present)) return [];
  const { apiVersion: _, kind: __, metadata, ...content } = object;
  const { apiVersion: ___, kind: ____, metadata: presentMetadata, ...presentContent } = present;
  const patch: JsonPatch = [];
  if (!isDeepStrictEqual(metadata.labels ?? {}, presentMetadata.labels ?? {})) {
    patch.push({ op: "add", path: "/metadata/labels", value: metadata.labels ?? {} });
  }
  if (!isDeepStrictEqual(metadata.annotations ?? {}, presentMetadata.annotations ?? {})) {
    // What the cluster keeps for itself stays.
    const own = Object.entries(live.metadata.annotations ?? {}).filter(
      ([name]) => !(name in (presentMetadata.annotations ?? {})),
    );
    patch.push({ op: "add", path: "/metadata/annotations", value: { ...Object.fromEntries(own), ...metadata.annotations } });
  }
  for (const field of new Set([...Object.keys(content), ...Object.keys(presentContent)])) {
    if (isDeepStrictEqual(content[field], presentContent[field])) continue;
    if (content[field] === undefined) patch.push({ op: "remove", path: `/${field}` });
    else patch.push({ op: "add", path: `/${field}`, value: withGivenFields(kind, field, content[field], live) });
  }
  const isNewGeneration = isWorkload(kind) && patch.some(({ path }) => path === "/spec");
  return isNewGeneration ? [...patch, ...markOf(live, patch)] : patch;
}

/** The ledger is to take the change for nobody else's. */
function markOf(live: LiveObject, patch: JsonPatch): JsonPatch {
  const mark = markOwnGeneration(live as unknown as Workload);
  return patch.some(({ path }) => path === "/metadata/annotations") ? mark.slice(-1) : mark;
}

function isWorkload(kind: string): boolean {
  return kind === "Deployment" || kind === "StatefulSet";
}

function withReplicas(object: ManifestObject, replicas: number): ManifestObject {
  return { ...object, spec: { ...fieldsOf(object.spec), replicas } };
}

/** What the cluster has given to a Service is not taken away from it. */
function withGivenFields(kind: string, field: string, value: unknown, live: LiveObject): unknown {
  if (kind !== "Service" || field !== "spec") return value;
  const { clusterIP, clusterIPs, ipFamilies, healthCheckNodePort } = fieldsOf(live.spec);
  const given = Object.entries({ clusterIP, clusterIPs, ipFamilies, healthCheckNodePort }).filter(
    ([, entry]) => entry !== undefined,
  );
  return { ...fieldsOf(value), ...Object.fromEntries(given) };
}

async function ensureNamespace(kubernetes: KubernetesClient, name: string): Promise<void> {
  const path = "/api/v1/namespaces";
  try {
    await kubernetes.get(`${path}/${encodeURIComponent(name)}`);
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status !== 404) throw error;
    await kubernetes.create(path, { apiVersion: "v1", kind: "Namespace", metadata: { name } }).catch((late: unknown) => {
      if (!(late instanceof KubernetesError) || late.status !== 409) throw late;
    });
  }
}
