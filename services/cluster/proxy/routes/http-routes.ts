import { type BackendRef, byAge, type HttpRoute, type ParentRef } from "./objects.ts";
import type { RoutePlan, Rule, WeightedTarget } from "./plan.ts";
import type { ServicesByName } from "./virtual-services.ts";

export type Problem = { reason: string; message: string };

/** Why a parent does not take the route; undefined when it does. Reasons: RouteConditionReason of the Gateway API. */
export function parentProblem(route: HttpRoute, parent: ParentRef, services: ServicesByName): Problem | undefined {
  const { group = "gateway.networking.k8s.io", kind = "Gateway", namespace = route.metadata.namespace, name } = parent;
  if (group !== "" || kind !== "Service") {
    return { reason: "InvalidKind", message: `a parent of kind ${kind} is not known here, only Service` };
  }
  if (namespace !== route.metadata.namespace) {
    return { reason: "NotAllowedByListeners", message: "a Service is routed by HTTPRoutes of its own namespace only" };
  }
  const service = services.get(`${namespace}/${name}`);
  if (!service) return { reason: "NoMatchingParent", message: `Service ${namespace}/${name} was not found` };
  if (parent.port !== undefined && !service.spec.ports?.some(({ port }) => port === parent.port)) {
    return { reason: "NoMatchingParent", message: `Service ${namespace}/${name} has no port ${parent.port}` };
  }
  return undefined;
}

/** Why a backend cannot be used; undefined when it can. */
export function backendProblem(route: HttpRoute, backend: BackendRef, services: ServicesByName): Problem | undefined {
  const { group = "", kind = "Service", namespace = route.metadata.namespace, name, port } = backend;
  if (group !== "" || kind !== "Service") return { reason: "InvalidKind", message: `a backend of kind ${kind} is not supported` };
  if (namespace !== route.metadata.namespace) {
    return { reason: "RefNotPermitted", message: `Service ${namespace}/${name} is in another namespace` };
  }
  const service = services.get(`${namespace}/${name}`);
  if (!service || service.spec.type === "ExternalName") {
    return { reason: "BackendNotFound", message: `Service ${namespace}/${name} was not found` };
  }
  if (!service.spec.ports?.some((candidate) => candidate.port === port)) {
    return { reason: "BackendNotFound", message: `Service ${namespace}/${name} has no port ${port}` };
  }
  return undefined;
}

/** The accepted HTTPRoutes of each Service, oldest first. */
export function httpRoutesByService(routes: readonly HttpRoute[], services: ServicesByName): Map<string, HttpRoute[]> {
  const found = new Map<string, HttpRoute[]>();
  for (const route of routes.toSorted(byAge)) {
    const accepted = (route.spec.parentRefs ?? []).filter((parent) => !parentProblem(route, parent, services));
    for (const name of new Set(accepted.map((parent) => `${route.metadata.namespace}/${parent.name}`))) {
      found.set(name, [...(found.get(name) ?? []), route]);
    }
  }
  return found;
}

/**
 * The rules of all routes of a Service's port. Of the matches, the one with most headers goes first; then the older route, then
 * the order within it. https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
 */
export function planOfHttpRoutes(
  routes: readonly HttpRoute[],
  { service, port }: { service: string; port: number },
  services: ServicesByName,
): RoutePlan | undefined {
  const attached = routes.filter((route) =>
    route.spec.parentRefs?.some(
      (parent) =>
        `${route.metadata.namespace}/${parent.name}` === service &&
        (parent.port === undefined || parent.port === port) &&
        !parentProblem(route, parent, services),
    ),
  );
  if (attached.length === 0) return undefined;
  const rules = attached.flatMap((route) => rulesOf(route, services));
  return {
    routes: attached.map(nameOf),
    rules: rules.toSorted((left, right) => right.headers.length - left.headers.length),
  };
}

function rulesOf(route: HttpRoute, services: ServicesByName): Rule[] {
  return (route.spec.rules ?? []).flatMap(({ matches = [{}], backendRefs = [] }) => {
    const targets = backendRefs.map((backend): WeightedTarget => {
      const { weight = 1, name, port = 0 } = backend;
      const problem = backendProblem(route, backend, services);
      if (problem) return { weight, target: { status: 500, why: problem.message } };
      return { weight, target: { service: `${route.metadata.namespace}/${name}`, port } };
    });
    const whenAllZero = { status: 500, why: `the rule of ${nameOf(route)} has no backend with a weight` } as const;
    return matches.map(({ headers = [] }) => ({
      // Of several entries for one name only the first counts.
      headers: [...new Map(headers.map(({ name, value }) => [name.toLowerCase(), value] as const).toReversed())].map(
        ([name, value]) => ({ name, value }),
      ),
      targets,
      whenAllZero,
    }));
  });
}

function nameOf({ metadata }: HttpRoute): string {
  return `HTTPRoute ${metadata.namespace}/${metadata.name}`;
}
