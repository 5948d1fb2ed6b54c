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

/** The rules with the Service's share divided between it and the candidate's, those for the header first. */
export function weighRules({ kind, rules }: Pick<SavedRoute, "kind" | "rules">, weighting: Weighting): unknown[] {
  return kind === "VirtualService"
    ? weighVirtualService(rules as VirtualServiceRule[], weighting)
    : weighHttpRoute(rules as HttpRouteRule[], weighting);
}

function weighVirtualService(rules: VirtualServiceRule[], weighting: Weighting): VirtualServiceRule[] {
  const { namespace, service, candidate, percent, header } = weighting;
  return rules.flatMap((rule) => {
    const { route = [], match } = rule;
    const own = route.find((one) => leadsTo(one, namespace, service));
    if (!own) return [rule];
    const host = candidate + own.destination.host.slice(service.length);
    const beside = { ...own, destination: { ...own.destination, host } };
    const divided = route.flatMap((one) => {
      const weight = one.weight ?? (route.length === 1 ? 1 : 0);
      if (one !== own) return [{ ...one, weight: weight * 100 }];
      return [
        { ...one, weight: weight * (100 - percent) },
        { ...beside, weight: weight * percent },
      ];
    });
    const weighed = { ...rule, route: simplify(divided) };
    if (!header) return [weighed];
    const matches = (match ?? [{}]).map((one) => ({
      ...one,
      headers: { ...one.headers, [header.name.toLowerCase()]: { exact: header.value } },
    }));
    const { weight: _, ...only } = beside;
    return [{ ...rule, match: matches, route: [only] }, weighed];
  });
}

function weighHttpRoute(rules: HttpRouteRule[], weighting: Weighting): HttpRouteRule[] {
  const { namespace, service, candidate, percent, header } = weighting;
  return rules.flatMap((rule) => {
    const { backendRefs = [], matches } = rule;
    const own = backendRefs.find((one) => refersTo(one, namespace, service));
    if (!own) return [rule];
    const divided = backendRefs.flatMap((one) => {
      const { weight = 1 } = one;
      if (one !== own) return [{ ...one, weight: weight * 100 }];
      return [
        { ...one, weight: weight * (100 - percent) },
        { ...one, name: candidate, weight: weight * percent },
      ];
    });
    const weighed = { ...rule, backendRefs: simplify(divided) };
    if (!header) return [weighed];
    const wanted = { type: "Exact", name: header.name, value: header.value };
    const headed = (matches ?? [{}]).map((one) => ({ ...one, headers: [...(one.headers ?? []), wanted] }));
    return [{ ...rule, matches: headed, backendRefs: [{ ...own, name: candidate, weight: 1 }] }, weighed];
  });
}

/** Weights that say the same with a sum of 100, where that gives whole numbers: people read them. */
function simplify<T extends { weight: number }>(weighed: T[]): T[] {
  const sum = weighed.reduce((total, { weight }) => total + weight, 0);
  const simple = weighed.map((one) => ({ ...one, weight: (one.weight * 100) / sum }));
  return simple.every(({ weight }) => Number.isInteger(weight)) ? simple : weighed;
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

/** Percent that the candidate's Service gets of a route without the header; null when the route does not name it. */
export function readWeight(route: RouteObject, namespace: string, candidate: string): number | null {
  const shares = rulesOf(route).map((rule) => {
    const { route: destinations, backendRefs } = rule as VirtualServiceRule & HttpRouteRule;
    const weighed = destinations
      ? destinations.map((one) => ({ weight: one.weight ?? 1, isCandidate: leadsTo(one, namespace, candidate) }))
      : (backendRefs ?? []).map((one) => ({ weight: one.weight ?? 1, isCandidate: refersTo(one, namespace, candidate) }));
    const sum = weighed.reduce((total, { weight }) => total + weight, 0);
    const own = weighed.find(({ isCandidate }) => isCandidate);
    return own ? Math.round((own.weight * 100) / (sum || 1)) : null;
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
