/** The cluster's loopback addresses: nodes and pods share one /16 network, services have the next one. */
export type Network = {
  /** The first two octets of nodes and pods, e.g. "127.10". */
  pods: string;
  /** The first two octets of ClusterIPs, e.g. "127.11". */
  services: string;
};

export const networkPattern = /^127\.(\d{1,2}|1\d\d|2[0-4]\d|25[0-4])$/;

/** The network that begins at `pods`, e.g. "127.10". */
export function networkOf(pods: string): Network {
  return { pods, services: `127.${Number(pods.split(".")[1]) + 1}` };
}

export const defaultNetwork = networkOf("127.10");

/** InternalIP of a node by its number, from 1. */
export function nodeAddress(network: Network, number: number): string {
  return `${network.pods}.0.${number}`;
}

/** ClusterIP of the API server itself. */
export function apiServerClusterIP(network: Network): string {
  return `${network.services}.0.1`;
}
