import { isDeepStrictEqual } from "node:util";
import type { KubeObject, NewObject } from "../../api.ts";
import type { Endpoint, EndpointPort, EndpointSlice, Endpoints, Node, Pod, Service } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import { backends, endpointOf, portsOn } from "./addresses.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const sliceManagedByLabel = "endpointslice.kubernetes.io/managed-by";
export const sliceController = "endpointslice-controller.k8s.io";
export const mirroringController = "endpointslicemirroring-controller.k8s.io";

const largestSlice = 100;

/** Endpoints that share one set of ports: a slice can hold only such. */
export type PortGroup = { ports: EndpointPort[]; endpoints: Endpoint[] };

export type SlicesWorld = {
  owner: KubeObject;
  serviceName: string;
  labels: Record<string, string>;
  groups: readonly PortGroup[];
  /** The slices that the same controller made before. */
  existing: readonly EndpointSlice[];
};

export type SlicesPlan = { create: NewObject<EndpointSlice>[]; update: EndpointSlice[]; remove: EndpointSlice[] };

export function groupsOfService(service: Service, pods: readonly Pod[], nodeOf: (name: string) => Node | undefined): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const pod of backends(pods)) {
    const ports = portsOn(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(pod, service, nodeOf(pod.spec.nodeName ?? "")));
  }
  // A service without pods keeps one empty slice: "no endpoints" is known then, and not merely not yet computed.
  return groups.size > 0 ? [...groups.values()] : [{ ports: [], endpoints: [] }];
}

/** Endpoints that someone wrote by hand for a service without a selector. */
export function groupsOfEndpoints({ subsets = [] }: Endpoints): PortGroup[] {
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const endpoint =
      (ready: boolean) =>
      (address: (typeof addresses)[number]): Endpoint => ({
        addresses: [address.ip],
        conditions: { ready },
        ...(address.hostname ? { hostname: address.hostname } : {}),
        ...(address.nodeName ? { nodeName: address.nodeName } : {}),
        ...(address.targetRef ? { targetRef: address.targetRef } : {}),
      });
    return { ports, endpoints: [...addresses.map(endpoint(true)), ...notReadyAddresses.map(endpoint(false))] };
  });
}

/** Changes as few slices as it can: endpoints stay in their slice, and new ones fill the room that is there. */
export function planSlices(world: SlicesWorld): SlicesPlan {
  const plan: SlicesPlan = { create: [], update: [], remove: [] };
  const unclaimed = new Set(world.existing);
  for (const group of world.groups) {
    const mine = [...unclaimed].filter((slice) => isDeepStrictEqual(slice.ports ?? [], group.ports));
    for (const slice of mine) unclaimed.delete(slice);
    planGroup(world, group, mine, plan);
  }
  plan.remove.push(...unclaimed);
  return plan;
}

function planGroup(world: SlicesWorld, { ports, endpoints }: PortGroup, mine: readonly EndpointSlice[], plan: SlicesPlan): void {
  const waiting = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const contents = mine.map((slice) => {
    const kept: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const fresh = waiting.get(identity(endpoint));
      if (fresh) kept.push(fresh);
      waiting.delete(identity(endpoint));
    }
    return kept;
  });
  const rest = [...waiting.values()];
  for (const kept of contents) kept.push(...rest.splice(0, largestSlice - kept.length));
  let filled = contents.some((kept) => kept.length > 0);
  mine.forEach((slice, index) => {
    const kept = contents[index] ?? [];
    const needed = kept.length > 0 || (!filled && rest.length === 0);
    if (needed) filled = true;
    if (!needed) plan.remove.push(slice);
    else if (
      !isDeepStrictEqual(kept, slice.endpoints ?? []) ||
      !isDeepStrictEqual(labelsOf(world), slice.metadata.labels ?? {})
    ) {
      plan.update.push({ ...slice, metadata: { ...slice.metadata, labels: labelsOf(world) }, endpoints: kept });
    }
  });
  if (!filled && rest.length === 0) plan.create.push(newSlice(world, ports, []));
  while (rest.length > 0) plan.create.push(newSlice(world, ports, rest.splice(0, largestSlice)));
}

function newSlice(world: SlicesWorld, ports: EndpointPort[], endpoints: Endpoint[]): NewObject<EndpointSlice> {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${world.serviceName}-`,
      namespace: world.owner.metadata.namespace,
      labels: labelsOf(world),
      ownerReferences: [controllerReference(world.owner)],
    },
    addressType: "IPv4",
    endpoints,
    ports,
  };
}

function labelsOf({ labels, serviceName }: SlicesWorld): Record<string, string> {
  return { ...labels, [serviceNameLabel]: serviceName };
}

function identity({ addresses, targetRef }: Endpoint): string {
  return `${addresses[0]}/${targetRef?.uid ?? ""}`;
}
