import { type JsonPatch, type Metadata, paths, pointerPart, type Workload } from "#lib/kubernetes/objects.ts";
import { markOwnChange } from "../../ledger/own-changes.ts";
import { rolloutAnnotation } from "./run.ts";

/** One write to the cluster, bound to the version that was read or to a fixed name, so that it is made once. */
export type Write =
  | { kind: "create"; path: string; object: object }
  | { kind: "patch"; path: string; patch: JsonPatch }
  | { kind: "remove"; path: string; object: Pick<Metadata, "uid" | "resourceVersion"> };

export function scaleTo(replicas: number) {
  return { op: "add", path: "/spec/replicas", value: replicas } as const;
}

export function pathOf({ kind, metadata }: Workload): string {
  return paths.workload(kind, metadata.namespace ?? "", metadata.name);
}

export function servicePath({ namespace = "", name }: Metadata): string {
  return `${paths.servicesOf(namespace)}/${encodeURIComponent(name)}`;
}

export function workloadsPath(namespace: string): string {
  return `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/deployments`;
}

export function patchOf(path: string, metadata: Metadata, patch: JsonPatch, rolloutId: string): Write {
  return { kind: "patch", path, patch: [testVersion(metadata), ...patch, ...annotate(metadata, rolloutId)] };
}

/** A write to the specification of the service's own workload, which the ledger takes for nobody else's. */
export function patchStable(stable: Workload, patch: JsonPatch, rolloutId: string): Write {
  const { metadata } = stable;
  return { kind: "patch", path: pathOf(stable), patch: [testVersion(metadata), ...patch, ...markOwnChange(stable, rolloutId)] };
}

export function testVersion({ resourceVersion }: Metadata) {
  return { op: "test", path: "/metadata/resourceVersion", value: resourceVersion } as const;
}

/** The evidence of who changed it. */
function annotate({ annotations }: Metadata, rolloutId: string): JsonPatch {
  if (annotations?.[rolloutAnnotation] === rolloutId) return [];
  if (!annotations) return [{ op: "add", path: "/metadata/annotations", value: { [rolloutAnnotation]: rolloutId } }];
  return [{ op: "add", path: `/metadata/annotations/${pointerPart(rolloutAnnotation)}`, value: rolloutId }];
}
