import type { V1CustomResourceDefinition, V1CustomResourceDefinitionCondition } from "@kubernetes/client-node";
import type { KubeObject } from "../../api.ts";
import { timestamp } from "../../registry/metadata.ts";

export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

/** Accepts the names and establishes the kind. Kubernetes: pkg/controller/status/naming_controller.go. */
export function acceptNames(object: KubeObject, others: readonly KubeObject[], now: Date): void {
  const crd = object as unknown as V1CustomResourceDefinition;
  const { spec } = crd;
  const taken = conflictOf(crd, others as unknown as V1CustomResourceDefinition[]);
  const stored = spec.versions.find(({ storage }) => storage)?.name ?? "";
  const storedVersions = [...new Set([...(crd.status?.storedVersions ?? []), stored])];
  const names = taken
    ? condition("NamesAccepted", "False", taken.reason, `${JSON.stringify(taken.name)} is already in use`)
    : condition("NamesAccepted", "True", "NoConflicts", "no conflicts found");
  const established = taken
    ? condition("Established", "False", "NotAccepted", "not all names are accepted")
    : condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
  const kept = (crd.status?.conditions ?? []).filter(({ type }) => type !== "NamesAccepted" && type !== "Established");
  object.status = { ...crd.status, acceptedNames: spec.names, storedVersions, conditions: [names, established, ...kept] };

  function condition(type: string, status: string, reason: string, message: string) {
    const before = crd.status?.conditions?.find((one) => one.type === type && one.status === status);
    const lastTransitionTime = (before?.lastTransitionTime ?? timestamp(now)) as unknown as Date;
    return { type, status, reason, message, lastTransitionTime } satisfies V1CustomResourceDefinitionCondition;
  }
}

function conflictOf({ metadata, spec }: V1CustomResourceDefinition, others: V1CustomResourceDefinition[]) {
  const rivals = others.filter((other) => other.spec.group === spec.group && other.metadata?.name !== metadata?.name);
  const taken = new Set(rivals.flatMap(({ spec: { names } }) => [names.plural, names.singular, ...(names.shortNames ?? [])]));
  const kinds = new Set(rivals.flatMap(({ spec: { names } }) => [names.kind, names.listKind]));
  const { singular = "", shortNames = [], kind, listKind = "" } = spec.names;
  if (taken.has(singular)) return { reason: "SingularConflict", name: singular };
  const shortName = shortNames.find((name) => taken.has(name));
  if (shortName) return { reason: "ShortNamesConflict", name: shortName };
  if (kinds.has(kind)) return { reason: "KindConflict", name: kind };
  return kinds.has(listKind) ? { reason: "ListKindConflict", name: listKind } : undefined;
}
