/** A resource that is answered when it is asked for and never stored: it has no definition in the catalogue. */
export type ComputedResource = {
  group: string;
  version: string;
  resource: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
};

const metrics = { group: "metrics.k8s.io", version: "v1beta1", singular: "", verbs: ["get", "list"] };

const reviews: readonly [group: string, kind: string, namespaced?: boolean][] = [
  ["authentication.k8s.io", "SelfSubjectReview"],
  ["authentication.k8s.io", "TokenReview"],
  ["authorization.k8s.io", "LocalSubjectAccessReview", true],
  ["authorization.k8s.io", "SelfSubjectAccessReview"],
  ["authorization.k8s.io", "SelfSubjectRulesReview"],
  ["authorization.k8s.io", "SubjectAccessReview"],
];

export const computedResources: readonly ComputedResource[] = [
  ...reviews.map(([group, kind, namespaced = false]) => {
    const singular = kind.toLowerCase();
    return { group, version: "v1", resource: `${singular}s`, singular, kind, namespaced, verbs: ["create"] };
  }),
  {
    group: "autoscaling",
    version: "v1",
    resource: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    kind: "HorizontalPodAutoscaler",
    namespaced: true,
    verbs: ["create", "delete", "get", "list", "patch", "update"],
    shortNames: ["hpa"],
  },
  { ...metrics, resource: "nodes", kind: "NodeMetrics", namespaced: false },
  { ...metrics, resource: "pods", kind: "PodMetrics", namespaced: true },
];
