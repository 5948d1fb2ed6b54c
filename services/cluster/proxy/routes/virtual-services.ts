import { byAge, type RoutedService, type VirtualService, type VirtualServiceRoute } from "./objects.ts";
import type { RoutePlan, Rule, WeightedTarget } from "./plan.ts";

export type ServicesByName = ReadonlyMap<string, RoutedService>;

/**
 * The VirtualService that applies to a Service: of several for one host the oldest, as one host has one VirtualService.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export function virtualServicesByHost(virtualServices: readonly VirtualService[]): Map<string, VirtualService> {
  const found = new Map<string, VirtualService>();
  for (const virtualService of virtualServices.toSorted(byAge)) {
    for (const host of virtualService.spec.hosts) {
      const service = serviceOfHost(host, virtualService.metadata.namespace ?? "");
      if (service && !found.has(service)) found.set(service, virtualService);
    }
  }
  return found;
}

export function planOfVirtualService({ metadata, spec }: VirtualService, port: number, services: ServicesByName): RoutePlan {
  const name = `VirtualService ${metadata.namespace}/${metadata.name}`;
  const rules = spec.http.flatMap((http): Rule[] => {
    const only = http.route.length === 1;
    const targets = http.route.map((route): WeightedTarget => {
      const target = targetOf(route, metadata.namespace ?? "", port, services);
      return { weight: only ? 1 : (route.weight ?? 0), target };
    });
    const whenAllZero = { status: 503, why: `the weights of ${name} are all 0` } as const;
    return (http.match ?? [{ headers: {} }]).map(({ headers }) => ({
      headers: Object.entries(headers).map(([header, { exact }]) => ({ name: header.toLowerCase(), value: exact })),
      targets,
      whenAllZero,
    }));
  });
  return { routes: [name], rules };
}

/** Without a port number: the only port of the destination, else the one that was called. */
function targetOf({ destination }: VirtualServiceRoute, namespace: string, called: number, services: ServicesByName) {
  const service = serviceOfHost(destination.host, namespace);
  const ports = (service && services.get(service)?.spec.ports) || [];
  const port = destination.port?.number ?? (ports.length === 1 ? ports[0]?.port : called);
  const found = ports.find((candidate) => candidate.port === port);
  if (!service || !found) return { status: 503, why: `there is no Service ${destination.host} with port ${port}` } as const;
  return { service, port: found.port };
}

/** `namespace/name` of a host: a short name means the route's own namespace. */
function serviceOfHost(host: string, namespace: string): string | undefined {
  const [name, owner = namespace, svc = "svc", ...domain] = host.split(".");
  const isInCluster = svc === "svc" && (domain.length === 0 || domain.join(".") === "cluster.local");
  return name && isInCluster ? `${owner}/${name}` : undefined;
}
