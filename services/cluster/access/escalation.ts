import type { KubeObject, ResourceId, StatusError } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { refusals } from "../registry/refusals.ts";
import type { Attributes } from "./attributes.ts";
import { type Authorizer, mastersGroup } from "./authorizer.ts";
import { describeRules, type PolicyRule, quoteList, type Role, type RoleBinding } from "./rules.ts";

export const rbacGroup = "rbac.authorization.k8s.io";

/**
 * Nobody may hand out more than he has: who writes a role must hold its rules (or the verb escalate), who writes a binding must
 * hold those of the role (or the verb bind). Throws 403, or 404 for a role that does not exist.
 */
export function checkEscalation(
  authorizer: Authorizer,
  user: User,
  id: ResourceId,
  draft: KubeObject,
  stored?: KubeObject,
): void {
  if (id.group !== rbacGroup || user.groups.includes(mastersGroup)) return;
  const namespace = draft.metadata.namespace ?? "";
  if (id.resource === "roles" || id.resource === "clusterroles") {
    const role = draft as Role;
    if (JSON.stringify(role.rules) === JSON.stringify((stored as Role | undefined)?.rules) && !role.aggregationRule) return;
    if (may(authorizer, user, "escalate", id, namespace, draft.metadata.name)) return;
    const all = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
    const wanted = role.aggregationRule ? [all] : (role.rules ?? []);
    refuseMissing(authorizer, user, id, draft.metadata.name, namespace, wanted);
    return;
  }
  const { roleRef } = draft as RoleBinding;
  if (!roleRef?.name || !roleRef.kind) return;
  const roleId = { group: rbacGroup, resource: roleRef.kind === "ClusterRole" ? "clusterroles" : "roles" };
  if (may(authorizer, user, "bind", roleId, namespace, roleRef.name)) return;
  const rules = authorizer.rulesOfRole(roleRef, namespace);
  if (!rules) throw refusals.notFound(roleId, roleRef.name);
  refuseMissing(authorizer, user, id, draft.metadata.name, namespace, rules);
}

function may(authorizer: Authorizer, user: User, verb: string, id: ResourceId, namespace: string, name: string): boolean {
  const attributes: Attributes = { ...id, verb, namespace, name, version: "v1", subresource: "", path: "", isResource: true };
  return authorizer.decide(user, attributes).allowed;
}

function refuseMissing(
  authorizer: Authorizer,
  user: User,
  id: ResourceId,
  name: string,
  namespace: string,
  wanted: readonly PolicyRule[],
): void {
  const missing = authorizer.missing(user, namespace, wanted);
  if (missing.length > 0) throw escalation(user, id, name, missing);
}

function escalation(user: User, id: ResourceId, name: string, missing: PolicyRule[]): StatusError {
  const who = `user ${JSON.stringify(user.name)} (groups=${quoteList(user.groups)})`;
  const what = describeRules(missing).join("\n");
  return refusals.forbidden(id, name, `${who} is attempting to grant RBAC permissions not currently held:\n${what}`);
}
