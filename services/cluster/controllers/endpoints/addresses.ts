import type { ContainerPort, Endpoint, EndpointPort, Node, Pod, Service, ServicePort } from "../objects.ts";
import { hasEnded, isReady } from "../pod-state.ts";

/** The pods of a service whose address may receive traffic now or may soon. */
export function backends(pods: readonly Pod[]): Pod[] {
  return pods
    .filter((pod) => pod.status?.podIP && !hasEnded(pod))
    .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
}

/** The service's ports as this pod serves them. A named targetPort that the pod lacks is left out. */
export function portsOn(pod: Pod, service: Service): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const servicePort of service.spec.ports ?? []) {
    const port = targetPort(pod, servicePort);
    if (port === undefined) continue;
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    ports.push({ ...(name ? { name } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) });
  }
  return ports;
}

function targetPort(pod: Pod, { targetPort: target, port, protocol = "TCP" }: ServicePort): number | undefined {
  if (target === undefined || target === 0 || target === "") return port;
  if (typeof target === "number") return target;
  const matches = ({ name, protocol: served = "TCP" }: ContainerPort) => name === target && served === protocol;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...pod.spec.containers, ...sidecars].flatMap(({ ports = [] }) => ports).find(matches)?.containerPort;
}

/** Ready means: may get new connections. Serving stays true while a pod that still answers is being ended. */
export function endpointOf(pod: Pod, service: Service, node: Node | undefined): Endpoint {
  const { namespace, name, uid } = pod.metadata;
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"];
  return {
    addresses: [pod.status?.podIP ?? ""],
    conditions: { ready, serving, terminating },
    ...hostnameOf(pod, service),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(zone ? { zone } : {}),
  };
}

export function hostnameOf(pod: Pod, service: Service): { hostname?: string } {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? { hostname } : {};
}
