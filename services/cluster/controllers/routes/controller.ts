import { isDeepStrictEqual } from "node:util";
import { type Change, resources, StatusError } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Service } from "../objects.ts";
import { ignoreNotFound } from "../refusals.ts";
import { keyOf, sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { type HttpRoute, planRouteStatus } from "./plan.ts";

export const httpRoutes = { group: "gateway.networking.k8s.io", resource: "httproutes" } as const;

/** Says in the status of each HTTPRoute whether the service proxy takes it, and whether its backends exist. Keys are namespaces. */
export function startRouteController(context: Context): Controller {
  const { cluster, clock } = context;
  return runController(context, { name: "routes", keysFor, reconcile });

  function* keysFor({ type, id, object, previous }: Change): Iterable<string> {
    const isRoute = sameResource(id, httpRoutes) && type !== "DELETED";
    const isService = sameResource(id, resources.services) && !isDeepStrictEqual(object.spec, previous?.spec);
    const isRemoved = sameResource(id, resources.services) && type === "DELETED";
    if (isRoute || isService || isRemoved) yield object.metadata.namespace ?? "";
  }

  async function reconcile(namespace: string): Promise<Requeue> {
    const routes = routesOf(namespace);
    if (routes.length === 0) return undefined;
    const services = cluster.list<Service>(resources.services, { namespace });
    const byName = new Map(services.map((service) => [keyOf(service), service]));
    for (const route of routes) {
      const status = planRouteStatus(route, byName, clock.now());
      if (status) await cluster.updateStatus<HttpRoute>(httpRoutes, { ...route, status }).catch(ignoreNotFound);
    }
    return undefined;
  }

  /** None while the kind is not defined. */
  function routesOf(namespace: string): HttpRoute[] {
    try {
      return cluster.list<HttpRoute>(httpRoutes, { namespace });
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return [];
      throw error;
    }
  }
}
