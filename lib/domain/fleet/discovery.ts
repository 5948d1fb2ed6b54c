import type { Pod, Workload } from "#lib/kubernetes/objects.ts";
import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { candidateOfLabel } from "../rollouts/engine/run.ts";
import { trackOf } from "./candidate.ts";
import { mainContainer, versionOf } from "./image.ts";
import { kindLabel } from "./schemas.ts";

/** One group of Prometheus' HTTP service discovery. */
export type TargetGroup = { targets: string[]; labels: Record<string, string> };

/** The scrape targets of the cluster; throws kubernetes-unavailable before the first list, so that Prometheus keeps what it has. */
export function listTargets(context: ConsoleContext): TargetGroup[] {
  authorise(context, "viewer", "read scrape targets");
  const { index } = context.fleet;
  if (!context.fleet.isSynced) throw new DomainError("kubernetes-unavailable", "The cluster has not been read yet.");
  return index
    .listPods()
    .map((pod) => describeTarget(pod, index.findWorkloadOf(pod)))
    .filter((group) => group !== null)
    .toSorted((a, b) => ((a.labels.pod ?? "") < (b.labels.pod ?? "") ? -1 : 1));
}

/**
 * The target of a pod with the usual annotations prometheus.io/scrape, port, path and scheme; null when it is not to be scraped. A
 * candidate's has the service that it stands beside, and a label `track`, which no other target has.
 */
export function describeTarget(pod: Pod, workload: Workload | null): TargetGroup | null {
  const { metadata, spec, status } = pod;
  const annotations = metadata.annotations ?? {};
  const labels = metadata.labels ?? {};
  const port = annotations["prometheus.io/port"];
  const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (annotations["prometheus.io/scrape"] !== "true" || !port || !status?.podIP || isOver) return null;
  // Charts, objectives and alerts ask by the workload's name; a chart's label is the same for all its releases.
  const service = labels[candidateOfLabel] ?? workload?.metadata.name ?? labels["app.kubernetes.io/name"] ?? metadata.name;
  const image = mainContainer(spec.containers, service)?.image ?? "";
  const host = status.podIP.includes(":") ? `[${status.podIP}]` : status.podIP;
  return {
    targets: [`${host}:${port}`],
    labels: {
      namespace: metadata.namespace ?? "",
      pod: metadata.name,
      service,
      kind: labels[kindLabel] ?? workload?.metadata.labels?.[kindLabel] ?? "",
      version: labels["app.kubernetes.io/version"] ?? versionOf(image),
      node: spec.nodeName ?? "",
      ...(trackOf(pod) === "candidate" ? { track: "candidate" } : {}),
      __metrics_path__: annotations["prometheus.io/path"] ?? "/metrics",
      ...(annotations["prometheus.io/scheme"] ? { __scheme__: annotations["prometheus.io/scheme"] } : {}),
    },
  };
}
