import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type HorizontalPodAutoscaler, paths, type Workload } from "#lib/kubernetes/objects.ts";
import type { Limits } from "./schemas.ts";

/** The autoscaler that sets the workload's number of instances, read afresh; null when there is none, or no autoscaling at all. */
export async function findAutoscaler(kubernetes: KubernetesClient, workload: Workload): Promise<HorizontalPodAutoscaler | null> {
  const path = paths.autoscalersOf(workload.metadata.namespace ?? "");
  const autoscalers = await kubernetes.list<HorizontalPodAutoscaler>(path).catch((error: unknown) => {
    if (error instanceof KubernetesError && error.status === 404) return [];
    throw error;
  });
  return autoscalers.find((autoscaler) => isOwner(autoscaler, workload)) ?? null;
}

function isOwner({ spec: { scaleTargetRef } }: HorizontalPodAutoscaler, { kind, metadata }: Workload): boolean {
  const { apiVersion = "apps/v1" } = scaleTargetRef;
  return apiVersion.startsWith("apps/") && scaleTargetRef.kind === kind && scaleTargetRef.name === metadata.name;
}

/** Its limits; the API's default for the least is 1. */
export function limitsOf({ spec: { minReplicas = 1, maxReplicas } }: HorizontalPodAutoscaler): Limits {
  return { min: minReplicas, max: maxReplicas };
}

/** Limits as a sentence has them: "3 to 20". */
export function describeLimits({ min, max }: Limits): string {
  return `${min} to ${max}`;
}
