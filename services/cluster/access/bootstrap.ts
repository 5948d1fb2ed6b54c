import { type Cluster, type NewObject, resources } from "../api.ts";
import { type BootstrapBinding, type BootstrapRole, bootstrapBindings, bootstrapRoles } from "./bootstrap-roles.ts";
import { missingRules, type Role, type RoleBinding, type Subject } from "./rules.ts";

const apiGroup = "rbac.authorization.k8s.io";
const autoupdateKey = "rbac.authorization.kubernetes.io/autoupdate";
const bootstrapping = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/**
 * Makes the roles and bindings of every cluster, and gives back what somebody took from them: rules, subjects, labels. What was
 * added stays. The annotation rbac.authorization.kubernetes.io/autoupdate: "false" leaves an object alone.
 */
export async function ensureBootstrapRoles(cluster: Cluster): Promise<void> {
  for (const wanted of bootstrapRoles) await reconcileRole(cluster, wanted);
  for (const wanted of bootstrapBindings) await reconcileBinding(cluster, wanted);
}

async function reconcileRole(cluster: Cluster, { name, labels, rules = [], aggregates }: BootstrapRole): Promise<void> {
  const id = resources.clusterRoles;
  const stored = cluster.get<Role>(id, "", name);
  const aggregationRule = aggregates ? { clusterRoleSelectors: [{ matchLabels: { [aggregates]: "true" } }] } : undefined;
  const metadata = { name, labels: { ...bootstrapping, ...labels }, annotations: { [autoupdateKey]: "true" } };
  if (!stored) {
    const role: NewObject<Role> = { apiVersion: `${apiGroup}/v1`, kind: "ClusterRole", metadata, rules, aggregationRule };
    await cluster.create<Role>(id, role);
    return;
  }
  if (stored.metadata.annotations?.[autoupdateKey] === "false") return;
  const lost = missingRules(stored.rules ?? [], rules);
  const hasLabels = Object.entries(metadata.labels).every(([key, value]) => stored.metadata.labels?.[key] === value);
  if (lost.length === 0 && hasLabels) return;
  await cluster.update<Role>(id, {
    ...stored,
    metadata: { ...stored.metadata, labels: { ...stored.metadata.labels, ...metadata.labels } },
    rules: lost.length > 0 ? [...(stored.rules ?? []), ...lost] : stored.rules,
  });
}

async function reconcileBinding(cluster: Cluster, { name, role, subjects }: BootstrapBinding): Promise<void> {
  const id = resources.clusterRoleBindings;
  const stored = cluster.get<RoleBinding>(id, "", name);
  const roleRef = { apiGroup, kind: "ClusterRole", name: role };
  if (stored?.metadata.annotations?.[autoupdateKey] === "false") return;
  if (stored && stored.roleRef.name === role) {
    const lost = subjects.filter((subject) => !stored.subjects?.some((one) => isSame(one, subject)));
    if (lost.length > 0) await cluster.update<RoleBinding>(id, { ...stored, subjects: [...(stored.subjects ?? []), ...lost] });
    return;
  }
  // A binding cannot be turned to another role: it is made anew.
  if (stored) await cluster.delete(id, "", name);
  const metadata = { name, labels: bootstrapping, annotations: { [autoupdateKey]: "true" } };
  await cluster.create<RoleBinding>(id, {
    apiVersion: `${apiGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata,
    roleRef,
    subjects,
  });
}

function isSame(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.name === other.name && one.namespace === other.namespace;
}
