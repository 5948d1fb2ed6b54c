import { type MetricInfo, metricInfos } from "#lib/domain/rollouts/analysis/templates.ts";

/** How a metric is called and drawn; one that this version does not know keeps its own name. */
export function metricInfo(metric: string): Pick<MetricInfo, "title" | "unit"> & { about?: string } {
  return Object.hasOwn(metricInfos, metric) ? metricInfos[metric as keyof typeof metricInfos] : { title: metric, unit: "count" };
}
