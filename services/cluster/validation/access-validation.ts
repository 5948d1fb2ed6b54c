import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../api.ts";
import type { FieldErrors } from "./field-errors.ts";
import { nameProblem } from "./names.ts";

const rbacGroup = "rbac.authorization.k8s.io";

type Rule = {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
};
type Role = { rules?: Rule[]; aggregationRule?: { clusterRoleSelectors?: object[] } };
type Reference = { apiGroup?: string; kind?: string; name?: string };
type Binding = { roleRef?: Reference; subjects?: (Reference & { namespace?: string })[] };

/** Source: pkg/apis/rbac/validation/validation.go. */
export function validateRole(object: KubeObject, errors: FieldErrors): void {
  const { rules = [], aggregationRule } = object as unknown as Role;
  for (const [index, rule] of rules.entries()) validateRule(rule, object.kind === "Role", `rules[${index}]`, errors);
  if (aggregationRule && !aggregationRule.clusterRoleSelectors?.length) {
    const detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
    errors.required("aggregationRule.clusterRoleSelectors", detail);
  }
}

export function validateRoleBinding(object: KubeObject, errors: FieldErrors): void {
  const { roleRef = {}, subjects = [] } = object as unknown as Binding;
  const isNamespaced = object.kind === "RoleBinding";
  if (roleRef.apiGroup !== rbacGroup) errors.unsupported("roleRef.apiGroup", roleRef.apiGroup ?? "", [rbacGroup]);
  const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  if (!kinds.includes(roleRef.kind ?? "")) errors.unsupported("roleRef.kind", roleRef.kind ?? "", kinds);
  if (!roleRef.name) errors.required("roleRef.name");
  for (const [index, subject] of subjects.entries()) validateSubject(subject, isNamespaced, `subjects[${index}]`, errors);
}

export function validateRoleBindingUpdate(object: KubeObject, stored: KubeObject, errors: FieldErrors): void {
  if (!isDeepStrictEqual(object.roleRef, stored.roleRef)) errors.invalid("roleRef", object.roleRef, "cannot change roleRef");
}

function validateRule(rule: Rule, isNamespaced: boolean, path: string, errors: FieldErrors): void {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (verbs.length === 0) errors.required(`${path}.verbs`, "verbs must contain at least one value");
  if (nonResourceURLs.length > 0) {
    const field = `${path}.nonResourceURLs`;
    if (isNamespaced) errors.invalid(field, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.invalid(field, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (apiGroups.length === 0) errors.required(`${path}.apiGroups`, "resource rules must supply at least one api group");
  if (resources.length === 0) errors.required(`${path}.resources`, "resource rules must supply at least one resource");
}

function validateSubject(
  { kind = "", name = "", apiGroup = "", namespace }: Reference & { namespace?: string },
  isNamespaced: boolean,
  path: string,
  errors: FieldErrors,
): void {
  if (!name) errors.required(`${path}.name`);
  if (kind === "ServiceAccount") {
    const problem = name ? nameProblem(name, "subdomain") : undefined;
    if (problem) errors.invalid(`${path}.name`, name, problem);
    if (apiGroup) errors.unsupported(`${path}.apiGroup`, apiGroup, [""]);
    if (!isNamespaced && !namespace) errors.required(`${path}.namespace`);
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== rbacGroup) errors.unsupported(`${path}.apiGroup`, apiGroup, [rbacGroup]);
  } else {
    errors.unsupported(`${path}.kind`, kind, ["Group", "ServiceAccount", "User"]);
  }
}
