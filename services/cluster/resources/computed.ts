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

const authorization = { group: "authorization.k8s.io", version: "v1", namespaced: false, verbs: ["create"] };

export const computedResources: readonly ComputedResource[] = [
  {
    ...authorization,
    resource: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    kind: "SelfSubjectAccessReview",
  },
  {
    ...authorization,
    resource: "selfsubjectrulesreviews",
    singular: "selfsubjectrulesreview",
    kind: "SelfSubjectRulesReview",
  },
  { ...metrics, resource: "nodes", kind: "NodeMetrics", namespaced: false },
  { ...metrics, resource: "pods", kind: "PodMetrics", namespaced: true },
];
