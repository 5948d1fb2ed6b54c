import { type Change, type Cluster, type ResourceId, resources } from "../api.ts";
import type { User } from "../pki/identities.ts";
import type { PolicyRule, Role, RoleBinding, RoleRef, Subject } from "./rules.ts";

/** One subject of one binding. `namespace` is empty for a ClusterRoleBinding. */
export type Grant = { binding: RoleBinding; subject: Subject; namespace: string };

const clusterScope = "";

/**
 * Roles by name and bindings by subject, as the cluster's changes leave them: a request looks at the bindings of its user and
 * groups alone, however many there are.
 */
export class RoleIndex {
  readonly #rules = new Map<string, PolicyRule[]>();
  readonly #grants = new Map<string, Map<string, Map<string, Grant>>>();
  readonly #end: () => void;

  constructor(cluster: Pick<Cluster, "list" | "subscribe">) {
    for (const id of [resources.roles, resources.clusterRoles]) {
      for (const role of cluster.list<Role>(id)) this.#setRole(id, role);
    }
    for (const id of [resources.roleBindings, resources.clusterRoleBindings]) {
      for (const binding of cluster.list<RoleBinding>(id)) this.#addBinding(binding);
    }
    this.#end = cluster.subscribe((change) => this.#take(change));
  }

  stop(): void {
    this.#end();
  }

  /** The rules that a reference in `namespace` leads to; undefined when there is no such role. */
  rulesOf({ kind, name }: RoleRef, namespace: string): PolicyRule[] | undefined {
    if (kind === "ClusterRole") return this.#rules.get(roleKey("", name));
    return namespace ? this.#rules.get(roleKey(namespace, name)) : undefined;
  }

  /** What bindings give the user in the whole cluster and, when it is given, in `namespace`. */
  *grantsOf(user: User, namespace: string): Iterable<Grant> {
    const scopes = namespace ? [clusterScope, namespace] : [clusterScope];
    for (const scope of scopes) {
      for (const group of user.groups) yield* this.#grantsFor(`group:${group}`, scope);
      yield* this.#grantsFor(`user:${user.name}`, scope);
    }
  }

  #grantsFor(subject: string, scope: string): Iterable<Grant> {
    return this.#grants.get(subject)?.get(scope)?.values() ?? [];
  }

  #take({ type, id, object, previous }: Change): void {
    if (id.group !== resources.roles.group) return;
    if (id.resource === "roles" || id.resource === "clusterroles") {
      if (type === "DELETED") this.#rules.delete(roleKeyOf(id, object as Role));
      else this.#setRole(id, object as Role);
    } else if (id.resource === "rolebindings" || id.resource === "clusterrolebindings") {
      if (previous) this.#removeBinding(previous as RoleBinding);
      if (type !== "DELETED") this.#addBinding(object as RoleBinding);
    }
  }

  #setRole(id: ResourceId, role: Role): void {
    this.#rules.set(roleKeyOf(id, role), role.rules ?? []);
  }

  #addBinding(binding: RoleBinding): void {
    const { namespace = clusterScope, name } = binding.metadata;
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const scopes = this.#grants.get(key) ?? new Map<string, Map<string, Grant>>();
      const grants = scopes.get(namespace) ?? new Map<string, Grant>();
      this.#grants.set(key, scopes.set(namespace, grants.set(name, { binding, subject, namespace })));
    }
  }

  #removeBinding(binding: RoleBinding): void {
    const { namespace = clusterScope, name } = binding.metadata;
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const scopes = this.#grants.get(key);
      const grants = scopes?.get(namespace);
      grants?.delete(name);
      if (grants?.size === 0) scopes?.delete(namespace);
      if (scopes?.size === 0) this.#grants.delete(key);
    }
  }
}

/** Service accounts are users by the name that their tokens carry. */
function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  if (kind === "Group") return `group:${name}`;
  return `user:${kind === "ServiceAccount" ? `system:serviceaccount:${namespace ?? bindingNamespace}:${name}` : name}`;
}

function roleKeyOf(id: ResourceId, { metadata }: Role): string {
  return roleKey(id.resource === "roles" ? (metadata.namespace ?? "") : "", metadata.name);
}

function roleKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
