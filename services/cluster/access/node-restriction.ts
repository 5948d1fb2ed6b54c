import { isDeepStrictEqual } from "node:util";
import { type Cluster, type KubeObject, type ResourceId, resources, type StatusError } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { refusals } from "../registry/refusals.ts";
import { type Attributes, forbidden } from "./attributes.ts";
import { isGuarded, isNeededBy } from "./node-references.ts";

const prefix = "system:node:";
const reads = new Set(["get", "list", "watch"]);
const leaseNamespace = "kube-node-lease";

type Spec = { nodeName?: string; taints?: unknown };

/** The node that a user is the kubelet of. */
export function nodeOf({ name, groups }: User): string | undefined {
  return groups.includes("system:nodes") && name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

/**
 * A kubelet writes its own Node and lease and the pods that are bound to it, and reads the secrets, configmaps and volumes of
 * those pods, whatever its role says. Source: plugin/pkg/admission/noderestriction/admission.go.
 */
export function checkNodeRequest(user: User, attributes: Attributes, cluster: Pick<Cluster, "get" | "list">): void {
  const node = nodeOf(user);
  if (node === undefined) return;
  const { group, resource, subresource, namespace, name, verb } = attributes;
  if (isGuarded(group, resource) && !isNeededBy(cluster, node, attributes)) {
    throw forbidden(user, attributes, `no relationship found between node '${node}' and this object`);
  }
  if (reads.has(verb)) return;
  const quoted = JSON.stringify(node);
  if (group === "" && resource === "pods") {
    const pod = cluster.get<KubeObject>(resources.pods, namespace, name);
    if (!pod || (pod.spec as Spec).nodeName === node) return;
    const may = verb === "delete" ? "delete pods" : `update pod ${subresource || "spec"} for pods`;
    throw refusals.forbidden(resources.pods, name, `node ${quoted} can only ${may} with spec.nodeName set to itself`);
  }
  if (group === "" && resource === "nodes" && name && name !== node) throw otherNode(node, name);
  if (group === resources.leases.group && resource === "leases") {
    if (namespace !== leaseNamespace) {
      const detail = `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`;
      throw refusals.forbidden(resources.leases, name, detail);
    }
    if (name && name !== node) throw otherLease(name);
  }
}

/** What only the object itself tells: the name of what is created, and the taints, which are not the kubelet's to change. */
export function checkNodeObject(user: User, id: ResourceId, draft: KubeObject, stored?: KubeObject): void {
  const node = nodeOf(user);
  if (node === undefined) return;
  const { name } = draft.metadata;
  if (id.resource === "leases" && name !== node) throw otherLease(name);
  if (id.resource !== "nodes") return;
  if (name !== node) throw otherNode(node, name);
  const taints = (object: KubeObject) => (object.spec as Spec | undefined)?.taints ?? [];
  if (stored && !isDeepStrictEqual(taints(draft), taints(stored))) {
    throw refusals.forbidden(id, name, `node ${JSON.stringify(node)} is not allowed to modify taints`);
  }
}

function otherNode(node: string, name: string): StatusError {
  const detail = `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
  return refusals.forbidden(resources.nodes, name, detail);
}

function otherLease(name: string): StatusError {
  return refusals.forbidden(resources.leases, name, "can only access node lease with the same name as the requesting node");
}
