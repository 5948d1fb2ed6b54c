import type { User } from "../pki/identities.ts";
import type { Attributes } from "./attributes.ts";
import type { Grant, RoleIndex } from "./role-index.ts";
import { missingRules, type PolicyRule, type RoleRef, ruleAllows } from "./rules.ts";

export type Decision = { allowed: boolean; reason: string };

export const mastersGroup = "system:masters";

const everything: PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Says who may do what: members of system:masters everything, everybody else what roles and their bindings give. */
export class Authorizer {
  readonly #index: RoleIndex;

  constructor(index: RoleIndex) {
    this.#index = index;
  }

  decide(user: User, attributes: Attributes): Decision {
    if (user.groups.includes(mastersGroup)) return { allowed: true, reason: "" };
    const missing = new Set<string>();
    for (const grant of this.#index.grantsOf(user, attributes.namespace)) {
      const rules = this.#rulesOf(grant, missing);
      if (rules.some((rule) => ruleAllows(rule, attributes))) {
        return { allowed: true, reason: `RBAC: allowed by ${describe(grant)}` };
      }
    }
    return { allowed: false, reason: missing.size > 0 ? `RBAC: ${joined([...missing])}` : "" };
  }

  /** All rules of a user in a namespace (in the whole cluster when it is empty), and which roles are missing. */
  rulesFor(user: User, namespace: string): { rules: PolicyRule[]; problem: string } {
    if (user.groups.includes(mastersGroup)) return { rules: everything, problem: "" };
    const missing = new Set<string>();
    const rules = [...this.#index.grantsOf(user, namespace)].flatMap((grant) => this.#rulesOf(grant, missing));
    return { rules, problem: joined([...missing]) };
  }

  rulesOfRole(reference: RoleRef, namespace: string): PolicyRule[] | undefined {
    return this.#index.rulesOf(reference, namespace);
  }

  /** Which of the rules the user does not have in the namespace. */
  missing(user: User, namespace: string, wanted: readonly PolicyRule[]): PolicyRule[] {
    return missingRules(this.rulesFor(user, namespace).rules, wanted);
  }

  #rulesOf({ binding, namespace }: Grant, missing: Set<string>): PolicyRule[] {
    const rules = this.#index.rulesOf(binding.roleRef, namespace);
    if (rules) return rules;
    const { kind, name } = binding.roleRef;
    missing.add(`${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`);
    return [];
  }
}

function joined(problems: string[]): string {
  return problems.length > 1 ? `[${problems.join(", ")}]` : (problems[0] ?? "");
}

function describe({ binding, subject, namespace }: Grant): string {
  const { kind, name } = binding.roleRef;
  const isAccount = subject.kind === "ServiceAccount";
  const who = isAccount ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name;
  const bindingName = namespace ? `${binding.metadata.name}/${namespace}` : binding.metadata.name;
  const bindingKind = namespace ? "RoleBinding" : "ClusterRoleBinding";
  return `${bindingKind} ${JSON.stringify(bindingName)} of ${kind} ${JSON.stringify(name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
