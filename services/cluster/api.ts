/**
 * What the parts of the local cluster know of each other: the shape of objects and the in-process view of the API that the
 * controllers use. The HTTP server and the controllers work on the same registry, so both keep the same rules.
 */

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type ObjectMeta = {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
};

/** Any object of the API as it is stored. Objects that come from the cluster are frozen: change a copy. */
export type KubeObject = { apiVersion: string; kind: string; metadata: ObjectMeta; [field: string]: unknown };

/** An object as a caller gives it: the server fills in the rest of its metadata. */
export type NewObject<T extends KubeObject> = Omit<T, "metadata"> & { metadata: Partial<ObjectMeta> };

/** A served resource by its group and plural name, e.g. { group: "apps", resource: "deployments" }; the core group is "". */
export type ResourceId = { group: string; resource: string };

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** One committed change. `previous` is the object before it (absent when ADDED). */
export type Change = { type: ChangeType; id: ResourceId; object: KubeObject; previous?: KubeObject };

export type ListOptions = { namespace?: string; labels?: Record<string, string> };

export type DeleteOptions = {
  /** Only for pods: 0 removes the object at once, otherwise the kubelet removes it when the processes are gone. */
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  preconditions?: { uid?: string; resourceVersion?: string };
};

/**
 * The API as the controllers see it, in process. Reads are synchronous and always current. Writes resolve once they are durable
 * and reject with StatusError (404 NotFound, 409 Conflict or AlreadyExists, 422 Invalid).
 */
export interface Cluster {
  get<T extends KubeObject>(id: ResourceId, namespace: string, name: string): T | undefined;
  list<T extends KubeObject>(id: ResourceId, options?: ListOptions): T[];
  create<T extends KubeObject>(id: ResourceId, object: NewObject<T>): Promise<T>;
  /** Replaces the object; refused with 409 when metadata.resourceVersion is not the stored one. */
  update<T extends KubeObject>(id: ResourceId, object: T): Promise<T>;
  /** Replaces the status only; refused with 409 when metadata.resourceVersion is not the stored one. */
  updateStatus<T extends KubeObject>(id: ResourceId, object: T): Promise<T>;
  delete(id: ResourceId, namespace: string, name: string, options?: DeleteOptions): Promise<void>;
  /** Gives a pod its node, in its spec and its status with one change; refused with 409 when it has one or is being deleted. */
  bind(namespace: string, pod: string, node: string): Promise<void>;
  /** Calls the listener after each committed change, in order. Returns the function that ends it. */
  subscribe(listener: (change: Change) => void): () => void;
}

/** A refusal in Kubernetes' own form, which the server sends as a v1 Status. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export const resources = {
  namespaces: { group: "", resource: "namespaces" },
  nodes: { group: "", resource: "nodes" },
  pods: { group: "", resource: "pods" },
  services: { group: "", resource: "services" },
  endpoints: { group: "", resource: "endpoints" },
  configMaps: { group: "", resource: "configmaps" },
  secrets: { group: "", resource: "secrets" },
  serviceAccounts: { group: "", resource: "serviceaccounts" },
  events: { group: "", resource: "events" },
  persistentVolumeClaims: { group: "", resource: "persistentvolumeclaims" },
  persistentVolumes: { group: "", resource: "persistentvolumes" },
  deployments: { group: "apps", resource: "deployments" },
  replicaSets: { group: "apps", resource: "replicasets" },
  statefulSets: { group: "apps", resource: "statefulsets" },
  controllerRevisions: { group: "apps", resource: "controllerrevisions" },
  jobs: { group: "batch", resource: "jobs" },
  cronJobs: { group: "batch", resource: "cronjobs" },
  horizontalPodAutoscalers: { group: "autoscaling", resource: "horizontalpodautoscalers" },
  podDisruptionBudgets: { group: "policy", resource: "poddisruptionbudgets" },
  networkPolicies: { group: "networking.k8s.io", resource: "networkpolicies" },
  storageClasses: { group: "storage.k8s.io", resource: "storageclasses" },
  roles: { group: "rbac.authorization.k8s.io", resource: "roles" },
  roleBindings: { group: "rbac.authorization.k8s.io", resource: "rolebindings" },
  clusterRoles: { group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  clusterRoleBindings: { group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
  customResourceDefinitions: { group: "apiextensions.k8s.io", resource: "customresourcedefinitions" },
  endpointSlices: { group: "discovery.k8s.io", resource: "endpointslices" },
  leases: { group: "coordination.k8s.io", resource: "leases" },
} as const satisfies Record<string, ResourceId>;
