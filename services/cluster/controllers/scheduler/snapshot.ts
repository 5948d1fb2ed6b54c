import type { Node, Pod } from "../objects.ts";
import type { NamespaceLabels } from "./affinity.ts";
import type { Amounts } from "./requests.ts";

/** A node with what runs on it. */
export type NodeInfo = {
  node: Node;
  allocatable: Amounts;
  requested: Amounts;
  /** The pods on the node that have not ended, those included that were placed there a moment ago. */
  pods: readonly Pod[];
  /** Those of them with pod affinity or anti-affinity. */
  podsWithAffinity: readonly Pod[];
};

/** What the scheduler looks at while it places one pod. */
export type Snapshot = { nodes: readonly NodeInfo[]; namespaceLabels: NamespaceLabels };
