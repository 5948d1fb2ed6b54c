import type { KubeObject } from "../api.ts";
import type { LabelSelector } from "../controllers/objects.ts";
import type { Attributes } from "./attributes.ts";

export type PolicyRule = {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
};

/** A Role or a ClusterRole. */
export type Role = KubeObject & {
  rules?: PolicyRule[];
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
};

export type RoleRef = { apiGroup?: string; kind: string; name: string };

export type Subject = { kind: string; name: string; namespace?: string; apiGroup?: string };

/** A RoleBinding or a ClusterRoleBinding. */
export type RoleBinding = KubeObject & { roleRef: RoleRef; subjects?: Subject[] };

const all = "*";

/** Whether one rule allows a request. Source: pkg/apis/rbac/v1/evaluation_helpers.go. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!hasOrAll(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return urlMatches(rule.nonResourceURLs, attributes.path);
  const { resourceNames = [] } = rule;
  return (
    hasOrAll(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources, attributes.resource, attributes.subresource) &&
    (resourceNames.length === 0 || resourceNames.includes(attributes.name))
  );
}

/** The parts of `wanted` that `held` does not cover, as rules for one thing each. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakdown).filter((single) => !held.some((rule) => covers(rule, single)));
}

/** How Kubernetes writes the rules that somebody may not pass on, those for one resource in one line. */
export function describeRules(rules: readonly PolicyRule[]): string[] {
  const merged = new Map<string, PolicyRule>();
  for (const { verbs, ...rest } of rules) {
    const key = JSON.stringify(rest);
    const known = merged.get(key)?.verbs ?? [];
    merged.set(key, { ...rest, verbs: [...new Set([...known, ...verbs])] });
  }
  return [...merged.values()].map(describeRule).sort();
}

function describeRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const fields = { APIGroups: apiGroups, Resources: resources, NonResourceURLs: nonResourceURLs, ResourceNames: resourceNames };
  const parts = Object.entries({ ...fields, Verbs: verbs }).filter(([, values]) => values && values.length > 0);
  return `{${parts.map(([name, values]) => `${name}:${quoteList(values ?? [])}`).join(", ")}}`;
}

/** As Go prints a list of strings with %q. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

function breakdown({
  verbs = [],
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): PolicyRule[] {
  return verbs.flatMap((verb): PolicyRule[] => {
    const urls = nonResourceURLs.map((url) => ({ nonResourceURLs: [url], verbs: [verb] }));
    const names = resourceNames.length > 0 ? resourceNames.map((name) => ({ resourceNames: [name] })) : [{}];
    const things = apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.map((name) => ({ apiGroups: [group], resources: [resource], ...name, verbs: [verb] })),
      ),
    );
    return [...urls, ...things];
  });
}

function covers(rule: PolicyRule, single: PolicyRule): boolean {
  const { verbs, apiGroups, resources, resourceNames = [], nonResourceURLs } = single;
  if (!hasOrAll(rule.verbs, verbs[0] ?? "")) return false;
  if (nonResourceURLs) return nonResourceURLs.every((url) => urlMatches(rule.nonResourceURLs, url));
  const [resource = "", subresource = ""] = (resources?.[0] ?? "").split("/");
  const held = rule.resourceNames ?? [];
  return (
    hasOrAll(rule.apiGroups, apiGroups?.[0] ?? "") &&
    resourceMatches(rule.resources, resource, subresource) &&
    (held.length === 0 || (resourceNames.length > 0 && resourceNames.every((name) => held.includes(name))))
  );
}

function hasOrAll(values: readonly string[] = [], wanted: string): boolean {
  return values.includes(all) || values.includes(wanted);
}

function resourceMatches(values: readonly string[] = [], resource: string, subresource: string): boolean {
  if (hasOrAll(values, subresource ? `${resource}/${subresource}` : resource)) return true;
  return subresource !== "" && values.includes(`*/${subresource}`);
}

function urlMatches(urls: readonly string[] = [], path: string): boolean {
  return urls.some((url) => url === all || url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1))));
}
