import { type KubeObject, resources, StatusError } from "../api.ts";
import { wholeUnits } from "../controllers/quantity.ts";
import { sendJson, sendYaml } from "../http/answers.ts";
import type { Exchange } from "../http/exchange.ts";
import { chooseRendition } from "../http/negotiation.ts";
import { selectionFor } from "../http/query.ts";
import { refusals } from "../registry/refusals.ts";
import type { Store } from "../store/store.ts";
import { type TableFormat, tableOf } from "../tables/table.ts";
import { timestamp } from "../timestamp.ts";
import type { ResourceMetrics } from "./collector.ts";
import { bytesQuantity, goDuration, nanoQuantity } from "./quantities.ts";
import type { Usage } from "./usage.ts";

/** metrics.k8s.io: what `kubectl top` asks for. Nothing is stored; every answer is made from the collector's last values. */
export const metricsPath = "/apis/metrics.k8s.io/v1beta1/";

export type MetricsApiOptions = { store: Store; metrics: ResourceMetrics; now: () => Date };

type Kind = {
  kind: "NodeMetrics" | "PodMetrics";
  /** The name that metrics-server's refusals carry. */
  resource: string;
  list(options: MetricsApiOptions): KubeObject[];
};

const nodeKind: Kind = {
  kind: "NodeMetrics",
  resource: "nodemetrics",
  list: ({ store, metrics }) =>
    store.list(resources.nodes).flatMap((node) => {
      const usage = metrics.findNode(node.metadata.name);
      return usage ? [{ ...headOf("NodeMetrics", node, usage), usage: resourceList(usage) }] : [];
    }),
};

const podKind: Kind = {
  kind: "PodMetrics",
  resource: "podmetrics",
  list: ({ store, metrics }) =>
    store.list(resources.pods).flatMap((pod) => {
      const found = metrics.findPod(pod);
      if (!found) return [];
      const containers = found.containers.map(({ name, usage }) => ({ name, usage: resourceList(usage) }));
      return [{ ...headOf("PodMetrics", pod, found), containers }];
    }),
};

export async function answerMetrics({ request, response, url }: Exchange, options: MetricsApiOptions): Promise<void> {
  const { kind, namespace, name } = parsePath(url.pathname);
  if (request.method !== "GET" || url.searchParams.has("watch")) throw refusals.methodNotAllowed();
  const rendition = chooseRendition(request.headers.accept, url.searchParams.get("includeObject"));
  if (!rendition) throw new StatusError(406, "NotAcceptable", "only the following media types are accepted: application/json");
  await options.store.settled();
  const selected = kind.list(options).filter(selectionFor(url, { namespace, name }));
  if (name && selected.length === 0) {
    const id = { group: "metrics.k8s.io", resource: kind.resource };
    throw refusals.notFound(id, namespace ? `${namespace}/${name}` : name);
  }
  if (rendition.form === "table") {
    const { version, includeObject } = rendition;
    const table = { now: options.now(), includeObject, apiVersion: `meta.k8s.io/${version}`, metadata: {} };
    return sendJson(response, 200, tableOf(tableFormat, selected, table));
  }
  const answer = name ? selected[0] : { kind: `${kind.kind}List`, apiVersion, metadata: {}, items: selected };
  if (rendition.form === "objects" && rendition.isYaml) sendYaml(response, 200, Buffer.from(JSON.stringify(answer)));
  else sendJson(response, 200, answer);
}

function parsePath(path: string): { kind: Kind; namespace: string; name: string } {
  const parts = path.slice(metricsPath.length).replace(/\/$/, "").split("/");
  const [resource = "", name = "", ...excess] = parts[0] === "namespaces" ? parts.slice(2) : parts;
  const namespace = parts[0] === "namespaces" ? (parts[1] ?? "") : "";
  if (excess.length > 0) throw refusals.noSuchPath();
  if (resource === "nodes" && !namespace) return { kind: nodeKind, namespace, name };
  if (resource === "pods" && (namespace || !name)) return { kind: podKind, namespace, name };
  throw refusals.noSuchPath();
}

const apiVersion = "metrics.k8s.io/v1beta1";

function headOf(kind: string, { metadata }: KubeObject, { atMs, windowMs }: Pick<Usage, "atMs" | "windowMs">) {
  const { name, namespace, labels } = metadata;
  const measuredAt = timestamp(new Date(atMs));
  return {
    kind,
    apiVersion,
    metadata: { name, ...(namespace ? { namespace } : {}), creationTimestamp: measuredAt, ...(labels ? { labels } : {}) },
    timestamp: measuredAt,
    window: goDuration(windowMs),
  } as unknown as KubeObject;
}

function resourceList({ cpuNanoCores, memoryBytes }: Usage) {
  return { cpu: nanoQuantity(cpuNanoCores), memory: bytesQuantity(memoryBytes) };
}

/** As metrics-server prints them; a pod's row is the sum of its containers. */
const tableFormat: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "cpu", format: "quantity" },
    { name: "memory", format: "quantity" },
    { name: "Window", format: "duration" },
  ],
  row: (object) => {
    const { usage, containers = [], window } = object as unknown as MetricsObject;
    const all = usage ? [usage] : containers.map((container) => container.usage);
    const nanoCores = all.reduce((sum, { cpu }) => sum + Number.parseInt(cpu, 10), 0);
    return [object.metadata.name, nanoQuantity(nanoCores), bytesQuantity(sumOfMemory(all)), window];
  },
};

type UsageText = ReturnType<typeof resourceList>;
type MetricsObject = { usage?: UsageText; containers?: { usage: UsageText }[]; window: string };

function sumOfMemory(all: UsageText[]): number {
  return all.reduce((sum, { memory }) => sum + wholeUnits(memory), 0);
}
