import type { ContainerPort, Pod } from "../objects.ts";
import { add } from "./pod-counts.ts";

/** The ports of a node itself that its pods take, by protocol, port and address. */
export type HostPorts = Map<string, number>;

type HostPort = { protocol: string; port: number; address: string };

const anyAddress = "0.0.0.0";

export function hostPortsOf({ spec }: Pod): HostPort[] {
  const ports = [...(spec.initContainers ?? []), ...spec.containers].flatMap((container) => container.ports ?? []);
  return (ports as (ContainerPort & { hostPort?: number; hostIP?: string })[]).flatMap(
    ({ hostPort, hostIP = anyAddress, protocol = "TCP" }) =>
      hostPort ? [{ protocol, port: hostPort, address: hostIP || anyAddress }] : [],
  );
}

export function countHostPorts(taken: HostPorts, pod: Pod, change: 1 | -1): void {
  for (const { protocol, port, address } of hostPortsOf(pod)) add(taken, `${protocol}/${port}/${address}`, change);
}

export function isTaken(taken: HostPorts, { protocol, port, address }: HostPort): boolean {
  if (taken.size === 0) return false;
  const prefix = `${protocol}/${port}/`;
  if (address !== anyAddress) return taken.has(`${prefix}${address}`) || taken.has(`${prefix}${anyAddress}`);
  return [...taken.keys()].some((key) => key.startsWith(prefix));
}
