import { isDeepStrictEqual } from "node:util";
import type { NewObject } from "../../api.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service } from "../objects.ts";
import { isReady } from "../pod-state.ts";
import { backends, hostnameOf, portsOn } from "./addresses.ts";

export const managedByLabel = "endpoints.kubernetes.io/managed-by";

export type DesiredEndpoints = NewObject<Endpoints> & { subsets: EndpointSubset[] };

/** The Endpoints that a service with a selector should have. Kubernetes: pkg/controller/endpoint. */
export function desiredEndpoints(service: Service, pods: readonly Pod[]): DesiredEndpoints {
  const headless = service.spec.clusterIP === "None";
  const serviceLabels = service.metadata.labels ?? {};
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: {
      name: service.metadata.name,
      namespace: service.metadata.namespace,
      labels: {
        ...serviceLabels,
        [managedByLabel]: "endpoint-controller",
        ...(headless ? { "service.kubernetes.io/headless": "" } : {}),
      },
    },
    subsets: subsets(service, pods),
  };
}

function subsets(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const publishAll = service.spec.publishNotReadyAddresses === true;
  const groups = new Map<string, { ports: EndpointPort[]; addresses: EndpointAddress[]; notReadyAddresses: EndpointAddress[] }>();
  for (const pod of backends(pods)) {
    if (pod.metadata.deletionTimestamp && !publishAll) continue;
    const ports = portsOn(pod, service);
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, addresses: [], notReadyAddresses: [] };
    groups.set(key, group);
    const isIn = publishAll || isReady(pod);
    (isIn ? group.addresses : group.notReadyAddresses).push(addressOf(pod, service));
  }
  return [...groups.values()].map(({ ports, addresses, notReadyAddresses }) => ({
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
    ...(ports.length > 0 ? { ports } : {}),
  }));
}

function addressOf(pod: Pod, service: Service): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  return {
    ip: pod.status?.podIP ?? "",
    ...hostnameOf(pod, service),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

/** The stored Endpoints brought to the desired ones; undefined when nothing differs. */
export function changedEndpoints(current: Endpoints, desired: DesiredEndpoints): Endpoints | undefined {
  const same =
    isDeepStrictEqual(current.subsets ?? [], desired.subsets ?? []) &&
    isDeepStrictEqual(current.metadata.labels ?? {}, desired.metadata.labels ?? {});
  return same
    ? undefined
    : { ...current, metadata: { ...current.metadata, labels: desired.metadata.labels }, subsets: desired.subsets };
}
