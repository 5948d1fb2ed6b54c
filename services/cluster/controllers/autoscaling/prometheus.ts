import { PrometheusClient, quoteLabel } from "#lib/prometheus/client.ts";
import { type Cluster, resources } from "../../api.ts";
import type { LabelSelector, SelectorRequirement, Service } from "../objects.ts";
import { MetricError } from "./replicas.ts";
import type { PodsMetricSource } from "./sources.ts";
import type { MetricIdentifier } from "./types.ts";

/**
 * Pods metrics from a Prometheus whose series carry the labels `namespace` and `pod`. Its address may name a Service of the
 * cluster, as NAME.NAMESPACE.svc.
 */
export function prometheusMetrics(url: string, cluster: Pick<Cluster, "get">): PodsMetricSource {
  return {
    async read(namespace, metric, pods) {
      if (pods.length === 0) return new Map();
      const client = new PrometheusClient({ url: resolveService(url, cluster), timeoutMs: 5_000 });
      const samples = await client.query(podsQuery(namespace, metric, pods));
      return new Map(
        samples.flatMap(({ labels, value }) => (labels.pod && value !== null ? [[labels.pod, value] as const] : [])),
      );
    },
  };
}

/** The address with the ClusterIP of the Service that it names. */
export function resolveService(url: string, cluster: Pick<Cluster, "get">): string {
  const address = new URL(url);
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc(?:\.cluster\.local)?$/.exec(address.hostname) ?? [];
  if (!name || !namespace) return url;
  const service = cluster.get<Service>(resources.services, namespace, name);
  if (!service?.spec.clusterIP) throw new MetricError(`services "${name}" of namespace ${namespace} has no address`);
  address.hostname = service.spec.clusterIP;
  return address.href;
}

/** The expression that gives one value for each pod. */
export function podsQuery(namespace: string, { name, selector }: MetricIdentifier, pods: readonly string[]): string {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
    throw new MetricError(`${JSON.stringify(name)} is no name of a Prometheus metric`);
  const matchers = [`namespace=${quoteLabel(namespace)}`, `pod=~${alternatives(pods)}`, ...matchersOf(selector)];
  return `sum by (pod) (${name}{${matchers.join(",")}})`;
}

function matchersOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string[] {
  const equalities = Object.entries(matchLabels).map(([key, value]) => `${labelName(key)}=${quoteLabel(value)}`);
  return [...equalities, ...matchExpressions.map(matcherOf)];
}

function matcherOf({ key, operator, values = [] }: SelectorRequirement): string {
  const label = labelName(key);
  if (operator === "In") return `${label}=~${alternatives(values)}`;
  if (operator === "NotIn") return `${label}!~${alternatives(values)}`;
  if (operator === "Exists") return `${label}!=""`;
  if (operator === "DoesNotExist") return `${label}=""`;
  throw new MetricError(`${JSON.stringify(operator)} is not a valid label selector operator`);
}

function labelName(key: string): string {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key)) throw new MetricError(`${JSON.stringify(key)} is no name of a Prometheus label`);
  return key;
}

function alternatives(values: readonly string[]): string {
  return quoteLabel(values.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"));
}
