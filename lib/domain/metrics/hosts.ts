import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Node, paths } from "#lib/kubernetes/objects.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { HostFigures } from "../fleet/schemas.ts";
import { rateWindow } from "./expression.ts";

const by = "by (node, instance)";
const devices = 'device!~"lo|veth.*|docker.*|br-.*|cali.*|cni.*|flannel.*|tunl.*"';
const filesystems = 'fstype!~"tmpfs|ramfs|overlay|squashfs|devtmpfs|nsfs"';

/** What node_exporter tells, one value for each host; `$window` is filled in. */
const hostExpressions = {
  cpuRatio: `1 - avg ${by} (rate(node_cpu_seconds_total{mode="idle"}[$window]))`,
  cores: `count ${by} (node_cpu_seconds_total{mode="idle"})`,
  load1: `max ${by} (node_load1)`,
  memoryBytes: `max ${by} (node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes)`,
  memoryTotalBytes: `max ${by} (node_memory_MemTotal_bytes)`,
  receivedBytesPerSecond: `sum ${by} (rate(node_network_receive_bytes_total{${devices}}[$window]))`,
  sentBytesPerSecond: `sum ${by} (rate(node_network_transmit_bytes_total{${devices}}[$window]))`,
  diskRatio: `max ${by} (1 - node_filesystem_avail_bytes{${filesystems}} / node_filesystem_size_bytes{${filesystems}})`,
  diskBusyRatio: `max ${by} (rate(node_disk_io_time_seconds_total[$window]))`,
} as const;
type Figure = keyof typeof hostExpressions;

const windowSeconds = 60;

/** The figures of the cluster's hosts, a query for each figure whatever their number. Rejects as its clients do. */
export async function queryHosts(
  { prometheus, kubernetes }: { prometheus: PrometheusClient; kubernetes: KubernetesClient },
  scrapeSeconds: number,
): Promise<HostFigures[]> {
  const window = `${rateWindow(windowSeconds, scrapeSeconds)}s`;
  const figures = Object.keys(hostExpressions) as Figure[];
  const [nodes, ...answers] = await Promise.all([
    kubernetes.list<Node>(paths.nodes),
    ...figures.map((figure) => prometheus.query(hostExpressions[figure].replaceAll("$window", window))),
  ]);
  const hosts = new Map<string, HostFigures>();
  for (const [index, samples] of answers.entries()) {
    for (const { labels, value } of samples) {
      const node = findNode(nodes, labels);
      const figure = figures[index];
      if (!node || !figure) continue;
      const host = hosts.get(node) ?? { ...emptyHost, node, instance: labels.instance ?? "" };
      host[figure] = value;
      hosts.set(node, host);
    }
  }
  return [...hosts.values()].toSorted((a, b) => a.node.localeCompare(b.node, undefined, { numeric: true }));
}

const emptyHost = {
  cpuRatio: null,
  cores: null,
  load1: null,
  memoryBytes: null,
  memoryTotalBytes: null,
  receivedBytesPerSecond: null,
  sentBytesPerSecond: null,
  diskRatio: null,
  diskBusyRatio: null,
};

/** The node that an exporter speaks of: by its `node` label, else by its address or name before the port. */
export function findNode(nodes: readonly Node[], labels: Record<string, string>): string | null {
  const host = (labels.instance ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const byLabel = nodes.find(({ metadata }) => metadata.name === labels.node);
  const byHost = nodes.find(
    ({ metadata, status }) => metadata.name === host || status?.addresses?.some(({ address }) => address === host),
  );
  return (byLabel ?? byHost)?.metadata.name ?? null;
}
