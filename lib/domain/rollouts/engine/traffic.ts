import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "#lib/kubernetes/objects.ts";
import type { SavedRoute } from "./run.ts";

/** The parts of Services and routes that a rollout reads and writes. */

export type ServiceObject = KubernetesObject & {
  spec: { selector?: Record<string, string>; ports?: ServicePort[]; sessionAffinity?: string } & Record<string, unknown>;
};
type ServicePort = { nodePort?: number } & Record<string, unknown>;

type Destination = { destination: { host: string }; weight?: number };
type VirtualServiceRule = { match?: { headers?: Record<string, unknown> }[]; route?: Destination[] };
type BackendRef = { group?: string; kind?: string; namespace?: string; name: string; weight?: number };
type HttpRouteRule = { matches?: { headers?: { name: string }[] }[]; backendRefs?: BackendRef[] };

/** A VirtualService (networking.istio.io/v1) or HTTPRoute (gateway.networking.k8s.io/v1). */
export type RouteObject = KubernetesObject & { kind: SavedRoute["kind"]; spec: { http?: unknown[]; rules?: unknown[] } };

/** The field of a route's spec that holds its rules. */
export const rulesField = { VirtualService: "http", HTTPRoute: "rules" } as const;

/** What a route's rules are to say. */
export type Weighting = {
  namespace: string;
  service: string;
  candidate: string;
  percent: number;
  header: { name: string; value: string } | null;
};

export function rulesOf({ kind, spec }: RouteObject): unknown[] {
  return spec[rulesField[kind]] ?? [];
}

/** The route that sends requests to the Service; where both kinds do, the HTTPRoute decides, then the older one. */
export function findRoute(routes: readonly RouteObject[], namespace: string, service: string): RouteObject | null {
  const found = routes.filter((route) => namesService(route.kind, rulesOf(route), namespace, service));
  const order = ({ kind, metadata }: RouteObject) => `${kind} ${metadata.creationTimestamp} ${metadata.name}`;
  return found.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))[0] ?? null;
}

function namesService(kind: SavedRoute["kind"], rules: unknown[], namespace: string, service: string): boolean {
  return kind === "VirtualService"
    ? (rules as VirtualServiceRule[]).some(({ route = [] }) => route.some((one) => leadsTo(one, namespace, service)))
    : (rules as HttpRouteRule[]).some(({ backendRefs = [] }) => backendRefs.some((one) => refersTo(one, namespace, service)));
}

/** The rules with the Service's share divided between it and the candidate's, those for the header first; all else as it is. */
export function weighRules({ kind, rules }: Pick<SavedRoute, "kind" | "rules">, weighting: Weighting): unknown[] {
  return kind === "VirtualService"
    ? weigh(virtualService, rules as VirtualServiceRule[], weighting)
    : weigh(httpRoute, rules as HttpRouteRule[], weighting);
}

/** The rules without what `weighRules` made of them; where nobody else changed a rule it is word for word the one of `before`. */
export function unweighRules(
  { kind, rules }: Pick<SavedRoute, "kind" | "rules">,
  before: readonly unknown[],
  weighting: Weighting,
): unknown[] {
  return kind === "VirtualService"
    ? unweigh(virtualService, rules as VirtualServiceRule[], before as VirtualServiceRule[], weighting)
    : unweigh(httpRoute, rules as HttpRouteRule[], before as HttpRouteRule[], weighting);
}

type Header = NonNullable<Weighting["header"]>;

/** What differs between the two kinds of routes. */
type Dialect<Rule, One extends { weight?: number }> = {
  read: (rule: Rule) => readonly One[];
  write: (rule: Rule, destinations: One[]) => Rule;
  weightOf: (one: One, all: readonly One[]) => number;
  names: (one: One, namespace: string, service: string) => boolean;
  rename: (one: One, from: string, to: string) => One;
  /** The rule for requests with the header only, all of which go to one destination. */
  demand: (rule: Rule, header: Header, to: One) => Rule;
  demands: (rule: Rule, header: Header) => boolean;
};

const virtualService: Dialect<VirtualServiceRule, Destination> = {
  read: ({ route = [] }) => route,
  write: (rule, route) => ({ ...rule, route }),
  weightOf: ({ weight }, { length }) => weight ?? (length === 1 ? 1 : 0),
  names: leadsTo,
  rename: (one, from, to) => ({
    ...one,
    destination: { ...one.destination, host: to + one.destination.host.slice(from.length) },
  }),
  demand: (rule, { name, value }, { weight: _, ...to }) => {
    const match = (rule.match ?? [{}]).map((one) => ({
      ...one,
      headers: { ...one.headers, [name.toLowerCase()]: { exact: value } },
    }));
    return { ...rule, match, route: [to] };
  },
  demands: ({ match = [] }, { name, value }) =>
    match.length > 0 && match.every(({ headers }) => contains(headers?.[name.toLowerCase()], { exact: value })),
};

const httpRoute: Dialect<HttpRouteRule, BackendRef> = {
  read: ({ backendRefs = [] }) => backendRefs,
  write: (rule, backendRefs) => ({ ...rule, backendRefs }),
  weightOf: ({ weight = 1 }) => weight,
  names: refersTo,
  rename: (one, _, to) => ({ ...one, name: to }),
  demand: (rule, { name, value }, to) => {
    const wanted = { type: "Exact", name, value };
    const matches = (rule.matches ?? [{}]).map((one) => ({ ...one, headers: [...(one.headers ?? []), wanted] }));
    return { ...rule, matches, backendRefs: [{ ...to, weight: 1 }] };
  },
  demands: ({ matches = [] }, { name, value }) =>
    matches.length > 0 && matches.every(({ headers = [] }) => headers.some((one) => contains(one, { name, value }))),
};

/** A rule for the header that is there already stays where it is: other rollouts have theirs beside it. */
function weigh<Rule, One extends { weight?: number }>(dialect: Dialect<Rule, One>, rules: Rule[], weighting: Weighting): Rule[] {
  const { service, candidate, percent, header } = weighting;
  const present = rules.filter((rule) => isHeaderRule(dialect, rule, weighting));
  const needed: Rule[] = [];
  const weighed = rules.map((rule) => {
    const { merged, own } = merge(dialect, rule, weighting);
    if (present.includes(rule) || !own) return [rule];
    const beside = dialect.rename(own, service, candidate);
    const all = dialect.read(merged);
    const divided = all.flatMap((one) => {
      const weight = dialect.weightOf(one, all);
      if (one !== own) return [{ ...one, weight: weight * 100 }];
      return [
        { ...own, weight: weight * (100 - percent) },
        { ...beside, weight: weight * percent },
      ];
    });
    const shared = dialect.write(rule, simplify(divided));
    if (!header) return [shared];
    const headed = dialect.demand(rule, header, beside);
    needed.push(headed);
    return present.some((one) => contains(one, headed)) ? [shared] : [headed, shared];
  });
  return weighed.flat().filter((rule) => !present.includes(rule) || needed.some((one) => contains(rule, one)));
}

function unweigh<Rule, One extends { weight?: number }>(
  dialect: Dialect<Rule, One>,
  rules: Rule[],
  before: Rule[],
  weighting: Weighting,
): Rule[] {
  const plain = (rule: Rule) => {
    const all = dialect.read(rule);
    return dialect.write(rule, simplify(all.map((one) => ({ ...one, weight: dialect.weightOf(one, all) }))));
  };
  return rules
    .filter((rule) => !isHeaderRule(dialect, rule, weighting))
    .map((rule) => {
      const { merged } = merge(dialect, rule, weighting);
      if (merged === rule) return rule;
      const wanted = plain(merged);
      return before.find((one) => isDeepStrictEqual(plain(one), wanted)) ?? wanted;
    });
}

/** The rule with the candidate's share given back to the Service, and the Service's destination in it. */
function merge<Rule, One extends { weight?: number }>(
  dialect: Dialect<Rule, One>,
  rule: Rule,
  { namespace, service, candidate }: Weighting,
): { merged: Rule; own: One | undefined } {
  const all = dialect.read(rule);
  const isOwn = (one: One) => dialect.names(one, namespace, service);
  const isCandidate = (one: One) => dialect.names(one, namespace, candidate);
  const ours = all.filter(isCandidate);
  if (ours.length === 0) return { merged: rule, own: all.find(isOwn) };
  const first = all.find(isOwn) ?? ours[0];
  const sum = [...ours, ...all.filter((one) => one === first && isOwn(one))].reduce(
    (total, one) => total + dialect.weightOf(one, all),
    0,
  );
  const left = all
    .filter((one) => one === first || !isCandidate(one))
    .map((one) => {
      if (one !== first) return one;
      return { ...(isOwn(one) ? one : dialect.rename(one, candidate, service)), weight: sum };
    });
  return { merged: dialect.write(rule, left), own: left.find(isOwn) };
}

/** A rule that `weighRules` made for the header. */
function isHeaderRule<Rule, One extends { weight?: number }>(
  dialect: Dialect<Rule, One>,
  rule: Rule,
  { namespace, candidate, header }: Weighting,
): boolean {
  const all = dialect.read(rule);
  if (!header || all.length !== 1 || !dialect.demands(rule, header)) return false;
  return all.every((one) => dialect.names(one, namespace, candidate));
}

/** The smallest weights that say the same, with a sum of 100 where that gives whole numbers: people read them. */
function simplify<T extends { weight: number }>(weighed: T[]): T[] {
  const sum = weighed.reduce((total, { weight }) => total + weight, 0);
  const simple = weighed.map((one) => ({ ...one, weight: (one.weight * 100) / sum }));
  if (simple.every(({ weight }) => Number.isInteger(weight))) return simple;
  const divisor = weighed.reduce((found, { weight }) => greatestDivisor(found, weight), 0) || 1;
  return weighed.map((one) => ({ ...one, weight: one.weight / divisor }));
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function leadsTo({ destination: { host } }: Destination, namespace: string, service: string): boolean {
  return [
    service,
    `${service}.${namespace}`,
    `${service}.${namespace}.svc`,
    `${service}.${namespace}.svc.cluster.local`,
  ].includes(host);
}

function refersTo(
  { group = "", kind = "Service", namespace: owner, name }: BackendRef,
  namespace: string,
  service: string,
): boolean {
  return group === "" && kind === "Service" && (owner ?? namespace) === namespace && name === service;
}

/** Percent of the Service's share that the candidate gets of a route without the header; null when the route does not name it. */
export function readWeight(route: RouteObject, sides: Pick<Weighting, "namespace" | "service" | "candidate">): number | null {
  const rules = rulesOf(route);
  return route.kind === "VirtualService"
    ? readShare(virtualService, rules as VirtualServiceRule[], sides)
    : readShare(httpRoute, rules as HttpRouteRule[], sides);
}

function readShare<Rule, One extends { weight?: number }>(
  { read, weightOf, names }: Dialect<Rule, One>,
  rules: readonly Rule[],
  { namespace, service, candidate }: Pick<Weighting, "namespace" | "service" | "candidate">,
): number | null {
  const shares = rules.map((rule) => {
    const all = read(rule);
    const weights = (name: string) => all.filter((one) => names(one, namespace, name)).map((one) => weightOf(one, all));
    const sum = (list: number[]) => list.reduce((total, weight) => total + weight, 0);
    const ours = weights(candidate);
    return ours.length > 0 ? Math.round((sum(ours) * 100) / (sum([...ours, ...weights(service)]) || 1)) : null;
  });
  return shares.findLast((share) => share !== null) ?? null;
}

/** Whether what is there says all that is wanted; the API adds fields of its own, but no entries to a list. */
export function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(actual) && actual.length === wanted.length && wanted.every((one, index) => contains(actual[index], one));
  }
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null) return false;
  return Object.entries(wanted).every(([key, value]) => contains((actual as Record<string, unknown>)[key], value));
}
