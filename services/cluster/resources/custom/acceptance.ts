import type {
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionCondition,
  V1CustomResourceDefinitionNames,
} from "@kubernetes/client-node";
import type { KubeObject } from "../../api.ts";
import { timestamp } from "../../timestamp.ts";

export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export type AcceptedNames = Partial<V1CustomResourceDefinitionNames>;

/**
 * Accepts the names that no other kind of the group has, and establishes the kind once all of them are accepted.
 * Kubernetes: apiextensions-apiserver, pkg/controller/status/naming_controller.go.
 */
export function acceptNames(object: KubeObject, others: readonly AcceptedNames[], now: Date): void {
  const crd = object as unknown as V1CustomResourceDefinition;
  const { spec, status } = crd;
  const { accepted, conflict } = compareNames(spec.names, status?.acceptedNames ?? {}, others);
  const stored = spec.versions.find(({ storage }) => storage)?.name ?? "";
  const storedVersions = [...new Set([...(status?.storedVersions ?? []), stored])];
  const names = conflict
    ? condition("NamesAccepted", "False", conflict.reason, `${JSON.stringify(conflict.name)} is already in use`)
    : condition("NamesAccepted", "True", "NoConflicts", "no conflicts found");
  const established = status?.conditions?.find(({ type, status: value }) => type === "Established" && value === "True");
  const kept = (status?.conditions ?? []).filter(({ type }) => type !== "NamesAccepted" && type !== "Established");
  const conditions = [names, established ?? establish(conflict === undefined), ...kept];
  object.status = { ...status, acceptedNames: accepted, storedVersions, conditions };

  function establish(isAccepted: boolean) {
    if (!isAccepted) return condition("Established", "False", "NotAccepted", "not all names are accepted");
    return condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
  }

  function condition(type: string, value: string, reason: string, message: string): V1CustomResourceDefinitionCondition {
    const before = status?.conditions?.find((one) => one.type === type && one.status === value);
    const lastTransitionTime = before?.lastTransitionTime ?? (timestamp(now) as unknown as Date);
    return { type, status: value, reason, message, lastTransitionTime };
  }
}

function compareNames(wanted: V1CustomResourceDefinitionNames, before: AcceptedNames, others: readonly AcceptedNames[]) {
  const resources = new Set(others.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]));
  const kinds = new Set(others.flatMap(({ kind, listKind }) => [kind, listKind]));
  const accepted: AcceptedNames = { ...before };
  let conflict: { reason: string; name: string } | undefined;
  const compare = (field: "plural" | "singular" | "kind" | "listKind", taken: Set<string | undefined>) => {
    const name = wanted[field];
    if (name === undefined) return;
    if (taken.has(name)) conflict = { reason: `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`, name };
    else accepted[field] = name;
  };
  compare("plural", resources);
  compare("singular", resources);
  const short = wanted.shortNames?.find((name) => resources.has(name));
  if (short) conflict = { reason: "ShortNamesConflict", name: short };
  else accepted.shortNames = wanted.shortNames;
  compare("kind", kinds);
  compare("listKind", kinds);
  return { accepted: { ...accepted, categories: wanted.categories }, conflict };
}
