import { type Change, type KubeObject, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { podsWithLabels } from "../indexes.ts";
import type { EndpointSlice, Endpoints, Labels, Node, Pod, Service } from "../objects.ts";
import { ignoreNotFound } from "../refusals.ts";
import { matchesLabels } from "../selectors.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { changedEndpoints, desiredEndpoints, managedByLabel } from "./plan-endpoints.ts";
import {
  groupsOfEndpoints,
  groupsOfService,
  mirroringController,
  type PortGroup,
  planSlices,
  serviceNameLabel,
  sliceController,
  sliceManagedByLabel,
} from "./plan-slices.ts";

/** Keeps the Endpoints and EndpointSlices of every service in step with its pods, or with Endpoints written by hand. */
export function startEndpointsController(context: Context): Controller {
  const { cluster, view, indexes } = context;
  const services = view.index<Service>(resources.services, ({ metadata }) => [metadata.namespace ?? ""]);
  const slices = view.index<EndpointSlice>(resources.endpointSlices, (slice) => [sliceKey(slice)]);

  return runController(context, { name: "endpoints", keysFor, reconcile });

  function* keysFor({ id, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.services) || sameResource(id, resources.endpoints)) yield keyOf(object);
    if (sameResource(id, resources.endpointSlices)) yield sliceKey(object);
    if (!sameResource(id, resources.pods)) return;
    for (const service of services.get(object.metadata.namespace ?? "")) {
      const { selector } = service.spec;
      if (!selector) continue;
      if ([object, previous].some((pod) => pod && matchesLabels(selector, pod.metadata.labels))) yield keyOf(service);
    }
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const service = cluster.get<Service>(resources.services, namespace, name);
    const endpoints = cluster.get<Endpoints>(resources.endpoints, namespace, name);
    if (!service) {
      if (endpoints) await cluster.delete(resources.endpoints, namespace, name).catch(ignoreNotFound);
      for (const slice of slices.get(key)) await remove(slice);
    } else if (service.spec.selector && service.spec.type !== "ExternalName") {
      await syncFromPods(service, podsWithLabels(indexes, namespace, service.spec.selector), endpoints);
    } else if (endpoints && !endpoints.metadata.labels?.["endpointslice.kubernetes.io/skip-mirror"]) {
      const labels = { ...endpoints.metadata.labels, [sliceManagedByLabel]: mirroringController };
      await syncSlices(key, endpoints, labels, groupsOfEndpoints(endpoints));
    } else {
      for (const slice of slices.get(key))
        if (slice.metadata.labels?.[sliceManagedByLabel] === mirroringController) await remove(slice);
    }
    return undefined;
  }

  async function syncFromPods(service: Service, pods: readonly Pod[], current: Endpoints | undefined): Promise<void> {
    if (service.metadata.deletionTimestamp) return;
    const headless: Labels = service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
    const labels: Labels = { ...service.metadata.labels, ...headless, [sliceManagedByLabel]: sliceController };
    const nodeOf = (name: string) => (name ? cluster.get<Node>(resources.nodes, "", name) : undefined);
    await syncSlices(keyOf(service), service, labels, groupsOfService(service, pods, nodeOf));

    const desired = desiredEndpoints(service, pods);
    const changed = current && changedEndpoints(current, desired);
    if (!current) await cluster.create<Endpoints>(resources.endpoints, desired);
    else if (changed) await cluster.update<Endpoints>(resources.endpoints, changed);
  }

  async function syncSlices(key: string, owner: KubeObject, labels: Record<string, string>, groups: PortGroup[]): Promise<void> {
    const manager = labels[sliceManagedByLabel];
    const all = slices.get(key);
    const existing = all.filter(({ metadata }) => metadata.labels?.[sliceManagedByLabel] === manager);
    const { [managedByLabel]: _, ...kept } = labels;
    const plan = planSlices({ owner, serviceName: splitKey(key).name, labels: kept, groups, existing });
    for (const slice of plan.create) await cluster.create<EndpointSlice>(resources.endpointSlices, slice);
    for (const slice of plan.update) await cluster.update<EndpointSlice>(resources.endpointSlices, slice);
    const otherManager = manager === sliceController ? mirroringController : sliceController;
    const outdated = all.filter(({ metadata }) => metadata.labels?.[sliceManagedByLabel] === otherManager);
    for (const slice of [...plan.remove, ...outdated]) await remove(slice);
  }

  async function remove({ metadata }: EndpointSlice): Promise<void> {
    const preconditions = { uid: metadata.uid };
    await cluster
      .delete(resources.endpointSlices, metadata.namespace ?? "", metadata.name, { preconditions })
      .catch(ignoreNotFound);
  }
}

function sliceKey({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.labels?.[serviceNameLabel] ?? ""}`;
}
