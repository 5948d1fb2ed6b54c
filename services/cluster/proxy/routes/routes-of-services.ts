import { httpRoutesByService, planOfHttpRoutes } from "./http-routes.ts";
import type { HttpRoute, RoutedService, VirtualService } from "./objects.ts";
import { portKey, type RoutePlan } from "./plan.ts";
import { planOfVirtualService, virtualServicesByHost } from "./virtual-services.ts";

/** Protocols that are not HTTP/1.1, as Istio reads them from a port's appProtocol or the first part of its name. */
const otherProtocols = /^(tcp|tls|https|wss|grpc|http2|h2c|mongo|mysql|redis|udp)(-|$)/;

/** The plan of each TCP port that a route applies to, by portKey. Where both kinds name a Service, the HTTPRoutes decide. */
export function routesOfServices(
  services: readonly RoutedService[],
  virtualServices: readonly VirtualService[],
  httpRoutes: readonly HttpRoute[],
): Map<string, RoutePlan> {
  const plans = new Map<string, RoutePlan>();
  if (virtualServices.length === 0 && httpRoutes.length === 0) return plans;
  const byName = new Map(services.map((service) => [`${service.metadata.namespace}/${service.metadata.name}`, service]));
  const ofHttp = httpRoutesByService(httpRoutes, byName);
  const ofMesh = virtualServicesByHost(virtualServices);
  for (const [service, { spec }] of byName) {
    const routes = ofHttp.get(service) ?? [];
    const virtualService = ofMesh.get(service);
    if (routes.length === 0 && !virtualService) continue;
    for (const port of (spec.ports ?? []).filter(carriesHttp)) {
      const at = { service, port: port.port };
      const plan =
        planOfHttpRoutes(routes, at, byName) ?? (virtualService && planOfVirtualService(virtualService, port.port, byName));
      if (plan) plans.set(portKey(at), plan);
    }
  }
  return plans;
}

function carriesHttp({ name = "", protocol = "TCP", appProtocol }: { name?: string; protocol?: string; appProtocol?: string }) {
  const declared = (appProtocol ?? name).toLowerCase().replace(/^kubernetes\.io\//, "");
  return protocol === "TCP" && !otherProtocols.test(declared);
}
