import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type ContainerStatus, type Pod, paths } from "#lib/kubernetes/objects.ts";
import { findWorkload, selectorOf } from "../../fleet/fresh.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import type { NewTimelineRow } from "./timeline.ts";

/**
 * The last restart of each container of these pods within a time. One that restarts faster than it is looked at has a row for each
 * look, and each row has the count.
 */
export function describeRestarts(pods: readonly Pod[], service: ServiceRef, from: Date, until: Date): NewTimelineRow[] {
  return pods.flatMap((pod) =>
    (pod.status?.containerStatuses ?? []).flatMap((container): NewTimelineRow[] => {
      const ended = container.lastState?.terminated;
      const at = ended?.finishedAt ? new Date(ended.finishedAt) : null;
      if (!ended || !at || container.restartCount === 0 || at < from || at > until) return [];
      const { uid, name } = pod.metadata;
      return [
        {
          at,
          kind: "restart",
          message: `${name} restarted (${ordinal(container.restartCount)} time): its container ${container.name} ended ${describeEnd(ended)}.`,
          by: "Kubernetes",
          source: `restart/${uid}/${container.name}/${container.restartCount}`,
          service,
          detail: { pod: name, container: container.name, restarts: container.restartCount, exitCode: ended.exitCode },
        },
      ];
    }),
  );
}

const disruptions: Record<string, string> = {
  DeletionByTaintManager: "its node does not answer or is not to run it any more",
  EvictionByEvictionAPI: "it was evicted, as when its node is drained",
  DeletionByPodGC: "its node is gone",
  PreemptionByScheduler: "another one with a higher priority took its place",
  TerminationByKubelet: "its node ran out of resources or was shut down",
};

/** The instances that the cluster itself took from their nodes within a time, as its condition DisruptionTarget tells. */
export function describeDisruptions(pods: readonly Pod[], service: ServiceRef, from: Date, until: Date): NewTimelineRow[] {
  return pods.flatMap(({ metadata: { uid, name }, spec, status }): NewTimelineRow[] => {
    const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    const at = condition?.lastTransitionTime ? new Date(condition.lastTransitionTime) : null;
    if (condition?.status !== "True" || !at || at < from || at > until) return [];
    const why = disruptions[condition.reason ?? ""] ?? condition.message ?? "nothing is known of why";
    return [
      {
        at,
        kind: "restart",
        message: `${name} was taken from ${spec?.nodeName ?? "its node"}: ${why}.`,
        by: "Kubernetes",
        source: `disruption/${uid}`,
        service,
        detail: { pod: name, node: spec?.nodeName ?? null, reason: condition.reason ?? null },
      },
    ];
  });
}

/** A service's pods; none of a service that is gone. */
export async function listPodsOf(kubernetes: KubernetesClient, service: ServiceRef): Promise<Pod[]> {
  const workload = await findWorkload(kubernetes, service);
  if (!workload) return [];
  return kubernetes
    .list<Pod>(paths.podsOf(service.namespace), { labelSelector: selectorOf(workload) })
    .catch((error: unknown) => {
      if (error instanceof KubernetesError && error.status === 404) return [];
      throw error;
    });
}

type Ended = NonNullable<NonNullable<ContainerStatus["lastState"]>["terminated"]>;

function describeEnd({ reason, exitCode, signal }: Ended): string {
  const how = signal ? `by signal ${signal}` : `with exit code ${exitCode}`;
  return reason && reason !== "Error" && reason !== "Completed" ? `${how} (${reason})` : how;
}

function ordinal(count: number): string {
  const tens = count % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}
