import type { ResourceMetrics } from "../../metrics/collector.ts";
import type { Pod } from "../objects.ts";
import { MetricError, milli, type PodMetric, type PodMetrics } from "./replicas.ts";
import type { MetricIdentifier, MetricSpec } from "./types.ts";

/** Values of an application's own metric by pod name; pods without one are left out. */
export interface PodsMetricSource {
  read(namespace: string, metric: MetricIdentifier, pods: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** Where the autoscaler takes its values from. Without a source of Pods metrics they are reported as not available. */
export type MetricSources = { resources: ResourceMetrics; pods?: PodsMetricSource };

export type Reading = PodMetrics | MetricError;

export const noMetrics: MetricSources = { resources: { findPod: () => undefined, findNode: () => undefined } };

/** What the pods use of one metric, or why that is not known. Never rejects. */
export async function readMetric(
  sources: MetricSources,
  spec: MetricSpec,
  namespace: string,
  pods: readonly Pod[],
): Promise<Reading> {
  try {
    return await read(sources, spec, namespace, pods);
  } catch (error) {
    return error instanceof MetricError ? error : new MetricError(error instanceof Error ? error.message : String(error));
  }
}

async function read(sources: MetricSources, spec: MetricSpec, namespace: string, pods: readonly Pod[]): Promise<PodMetrics> {
  const { resource, containerResource, object, external } = spec;
  if (resource) return readResource(sources.resources, resource.name, pods);
  if (containerResource) return readResource(sources.resources, containerResource.name, pods, containerResource.container);
  if (spec.pods) return readPodsMetric(sources.pods, namespace, spec.pods.metric, pods);
  if (object) {
    const { kind, name } = object.describedObject;
    throw new MetricError(`unable to get metric ${object.metric.name}: ${kind} on ${namespace} ${name}/${noCustomMetrics}`);
  }
  const { metric } = external ?? {};
  const selector = JSON.stringify(metric?.selector ?? null);
  throw new MetricError(`unable to get external metric ${namespace}/${metric?.name}/${selector}: ${noExternalMetrics}`);
}

const noCustomMetrics =
  "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
const noExternalMetrics =
  "unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered";

function readResource(metrics: ResourceMetrics, resource: string, pods: readonly Pod[], container?: string): PodMetrics {
  const unable = (why: string) => new MetricError(`unable to get metrics for resource ${resource}: ${why}`);
  const measured = pods.flatMap((pod) => {
    const usage = metrics.findPod(pod);
    return usage ? [{ pod, usage }] : [];
  });
  if (measured.length === 0) throw unable("no metrics returned from resource metrics API");
  const values = measured.flatMap(({ pod, usage }): [string, PodMetric][] => {
    const { namespace, name } = pod.metadata;
    const counted = usage.containers.filter((one) => container === undefined || one.name === container);
    if (counted.length === 0) throw unable(`container ${container} not present in metrics for pod ${namespace}/${name}`);
    const parts = counted.map((one) => resourceMilli(resource, one.usage));
    if (parts.some((part) => part === undefined)) return [];
    const value = parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
    return [[name, { value, atMs: usage.atMs, windowMs: usage.windowMs }]];
  });
  return new Map(values);
}

function resourceMilli(resource: string, usage: { cpuNanoCores: number; memoryBytes: number }): number | undefined {
  if (resource === "cpu") return Math.ceil(usage.cpuNanoCores / 1e6);
  return resource === "memory" ? usage.memoryBytes * 1000 : undefined;
}

async function readPodsMetric(
  source: PodsMetricSource | undefined,
  namespace: string,
  metric: MetricIdentifier,
  pods: readonly Pod[],
): Promise<PodMetrics> {
  const unable = (why: string) => new MetricError(`unable to get metric ${metric.name}: ${why}`);
  if (!source) throw unable(noCustomMetrics);
  const names = pods.map((pod) => pod.metadata.name);
  const values = await source.read(namespace, metric, names).catch((error: unknown) => {
    throw unable(`unable to fetch metrics from custom metrics API: ${error instanceof Error ? error.message : error}`);
  });
  if (values.size === 0) throw unable("no metrics returned from custom metrics API");
  return new Map([...values].map(([name, value]) => [name, { value: milli(value), atMs: 0, windowMs: 0 }]));
}
