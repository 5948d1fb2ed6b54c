import type { V1Lease, V1Node } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { namespaceTable, nodeTable } from "../tables/cluster-tables.ts";
import { leaseTable } from "../tables/configuration-tables.ts";
import { validateLease } from "../validation/endpoints-validation.ts";
import { validateNode } from "../validation/node-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

type NamespaceFields = { spec?: { finalizers?: string[] }; status?: { phase?: string } };

export const infrastructureResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "namespaces" },
    version: "v1",
    kind: "Namespace",
    singular: "namespace",
    shortNames: ["ns"],
    namespaced: false,
    type: "V1Namespace",
    hasDeleteCollection: false,
    hasStatus: true,
    nameRule: "label",
    selectableFields: {
      names: ["status.phase"],
      of: (object) => ({ "status.phase": (object as NamespaceFields).status?.phase ?? "" }),
    },
    table: namespaceTable,
    setDefaults({ metadata }) {
      if (metadata.name) metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
    },
    prepareCreate(object) {
      object.spec = { finalizers: ["kubernetes"] };
      object.status = { phase: "Active" };
    },
    prepareUpdate(object, stored) {
      // What holds a namespace until it is empty is taken off at its end alone.
      if (!stored.metadata.deletionTimestamp || !object.spec) object.spec = stored.spec;
    },
  },
  {
    id: { group: "", resource: "nodes" },
    version: "v1",
    kind: "Node",
    singular: "node",
    shortNames: ["no"],
    namespaced: false,
    type: "V1Node",
    hasStatus: true,
    nameRule: "subdomain",
    selectableFields: {
      names: ["spec.unschedulable"],
      of: (object) => ({
        "spec.unschedulable": String((object.spec as { unschedulable?: boolean } | undefined)?.unschedulable ?? false),
      }),
    },
    table: nodeTable,
    setDefaults(object) {
      object.spec ??= {};
    },
    prepareCreate: keepStatus,
    validate: (object, errors) => validateNode((object as unknown as V1Node).spec, errors),
  },
  {
    id: { group: "coordination.k8s.io", resource: "leases" },
    version: "v1",
    kind: "Lease",
    singular: "lease",
    namespaced: true,
    type: "V1Lease",
    nameRule: "subdomain",
    table: leaseTable,
    validate: (object, errors) => validateLease((object as unknown as V1Lease).spec, errors),
  },
];

/** Kubelets register their node with its status in one step. */
function keepStatus(object: KubeObject): void {
  object.status ??= {};
}
