import type { PolicyRule, Subject } from "./rules.ts";

/** The ClusterRoles and bindings of every cluster. Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go. */
export type BootstrapRole = {
  name: string;
  labels?: Record<string, string>;
  rules?: PolicyRule[];
  /** The label by which the role collects the rules of others. */
  aggregates?: string;
};

export type BootstrapBinding = { name: string; role: string; subjects: Subject[] };

const rbac = "rbac.authorization.k8s.io";
const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];
const readWrite = [...read, ...write];

const toAdmin = `${rbac}/aggregate-to-admin`;
const toEdit = `${rbac}/aggregate-to-edit`;
const toView = `${rbac}/aggregate-to-view`;

function on(group: string, resources: string[], verbs: string[]): PolicyRule {
  return { verbs, apiGroups: [group], resources };
}

const eventRule = on("", ["events"], ["create", "patch", "update"]);
const discoveryPaths = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
];

const viewRules: PolicyRule[] = [
  on("", ["configmaps", "endpoints", "persistentvolumeclaims", "pods", "serviceaccounts", "services"], read),
  on("", ["events", "namespaces", "namespaces/status", "persistentvolumeclaims/status", "pods/log", "pods/status"], read),
  on("discovery.k8s.io", ["endpointslices"], read),
  on(
    "apps",
    [
      "controllerrevisions",
      "deployments",
      "deployments/scale",
      "deployments/status",
      "replicasets",
      "replicasets/scale",
      "replicasets/status",
      "statefulsets",
      "statefulsets/scale",
      "statefulsets/status",
    ],
    read,
  ),
  on("autoscaling", ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], read),
  on("batch", ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], read),
  on("policy", ["poddisruptionbudgets", "poddisruptionbudgets/status"], read),
  on("networking.k8s.io", ["networkpolicies"], read),
  on("metrics.k8s.io", ["nodes", "pods"], read),
];

const editRules: PolicyRule[] = [
  on("", ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"], read),
  on("", ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], write),
  on("", ["pods/eviction"], ["create"]),
  on("", ["configmaps", "endpoints", "events", "persistentvolumeclaims", "secrets", "serviceaccounts", "services"], write),
  on("", ["serviceaccounts/token"], ["create"]),
  on("", ["serviceaccounts"], ["impersonate"]),
  on(
    "apps",
    ["deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets"],
    write,
  ),
  on("apps", ["statefulsets/scale"], write),
  on("autoscaling", ["horizontalpodautoscalers"], write),
  on("batch", ["cronjobs", "jobs"], write),
  on("policy", ["poddisruptionbudgets"], write),
  on("networking.k8s.io", ["networkpolicies"], write),
];

/** What kubelet/ calls; node-restriction.ts keeps each node to its own objects. */
const nodeRules: PolicyRule[] = [
  on("", ["services"], read),
  on("discovery.k8s.io", ["endpointslices"], read),
  on("", ["nodes"], [...read, "create", "patch", "update"]),
  on("", ["nodes/status"], ["patch", "update"]),
  on("", ["pods"], [...read, "delete"]),
  on("", ["pods/status"], ["patch", "update"]),
  on("", ["configmaps", "secrets"], ["get"]),
  on("", ["persistentvolumeclaims", "persistentvolumes"], ["get"]),
  on("", ["serviceaccounts"], ["get"]),
  on("", ["serviceaccounts/token"], ["create"]),
  on("coordination.k8s.io", ["leases"], ["create", "delete", "get", "patch", "update"]),
  on("authentication.k8s.io", ["tokenreviews"], ["create"]),
  on("authorization.k8s.io", ["localsubjectaccessreviews", "subjectaccessreviews"], ["create"]),
  eventRule,
];

/** What proxy/ calls, for it watches routes as well as Kubernetes' own kinds. */
const proxyRules: PolicyRule[] = [
  on("", ["endpoints", "services"], ["list", "watch"]),
  on("", ["nodes"], read),
  on("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
  on("apiextensions.k8s.io", ["customresourcedefinitions"], read),
  on("networking.istio.io", ["virtualservices"], read),
  on("gateway.networking.k8s.io", ["httproutes"], read),
  eventRule,
];

export const bootstrapRoles: BootstrapRole[] = [
  {
    name: "cluster-admin",
    rules: [on("*", ["*"], ["*"]), { verbs: ["*"], nonResourceURLs: ["*"] }],
  },
  { name: "admin", aggregates: toAdmin },
  { name: "edit", aggregates: toEdit, labels: { [toAdmin]: "true" } },
  { name: "view", aggregates: toView, labels: { [toEdit]: "true" } },
  {
    name: "system:aggregate-to-admin",
    labels: { [toAdmin]: "true" },
    rules: [
      on("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"]),
      on(rbac, ["rolebindings", "roles"], readWrite),
    ],
  },
  { name: "system:aggregate-to-edit", labels: { [toEdit]: "true" }, rules: editRules },
  { name: "system:aggregate-to-view", labels: { [toView]: "true" }, rules: viewRules },
  { name: "system:discovery", rules: [{ verbs: ["get"], nonResourceURLs: discoveryPaths }] },
  {
    name: "system:public-info-viewer",
    rules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version"] }],
  },
  {
    name: "system:basic-user",
    rules: [
      on("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
      on("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
    ],
  },
  {
    name: "system:auth-delegator",
    rules: [
      on("authentication.k8s.io", ["tokenreviews"], ["create"]),
      on("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [{ verbs: ["get"], nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks", "/openid/v1/jwks/"] }],
  },
  { name: "system:node", rules: nodeRules },
  { name: "system:node-proxier", rules: proxyRules },
];

const userSubject = (name: string): Subject => ({ kind: "User", name, apiGroup: rbac });
const groupSubject = (name: string): Subject => ({ kind: "Group", name, apiGroup: rbac });
const authenticated = groupSubject("system:authenticated");

export const bootstrapBindings: BootstrapBinding[] = [
  { name: "cluster-admin", role: "cluster-admin", subjects: [groupSubject("system:masters")] },
  { name: "system:discovery", role: "system:discovery", subjects: [authenticated] },
  { name: "system:basic-user", role: "system:basic-user", subjects: [authenticated] },
  {
    name: "system:public-info-viewer",
    role: "system:public-info-viewer",
    subjects: [authenticated, groupSubject("system:unauthenticated")],
  },
  {
    name: "system:service-account-issuer-discovery",
    role: "system:service-account-issuer-discovery",
    subjects: [groupSubject("system:serviceaccounts")],
  },
  { name: "system:node", role: "system:node", subjects: [groupSubject("system:nodes")] },
  { name: "system:node-proxier", role: "system:node-proxier", subjects: [userSubject("system:kube-proxy")] },
];
