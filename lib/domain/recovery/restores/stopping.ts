import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { readWorkload } from "#lib/kubernetes/workloads.ts";
import { DomainError } from "../../errors.ts";
import { selectorOf } from "../../fleet/fresh.ts";
import { markOwnGeneration } from "../../ledger/own-changes.ts";
import type { Stopped } from "./run.ts";

/** Longer than the guides' grace of a minute. */
const stopTimeoutMs = 180_000;
const pollMs = 300;
const mostTries = 10;

/**
 * Takes all instances of the workloads away, and waits until the last one is gone: one that ends may still write. An autoscaler leaves
 * a workload without instances alone. Throws precondition-failed when they do not end in three minutes, and KubernetesError.
 */
export async function stopWorkloads(
  kubernetes: KubernetesClient,
  stopped: readonly Stopped[],
  signal: AbortSignal,
): Promise<void> {
  const workloads = (await Promise.all(stopped.map((one) => setReplicas(kubernetes, one, () => 0)))).filter(
    (one) => one !== null,
  );
  const until = performance.now() + stopTimeoutMs;
  for (const workload of workloads) {
    const { namespace = "", name } = workload.metadata;
    while ((await countPods(kubernetes, workload)) > 0) {
      if (performance.now() > until) {
        throw new DomainError(
          "precondition-failed",
          `The instances of ${namespace}/${name} have not ended within ${stopTimeoutMs / 60_000} minutes: look at what keeps them.`,
        );
      }
      await sleep(pollMs, undefined, { signal });
    }
  }
}

/** Gives the workloads back the instances that they are to have; one that somebody has started meanwhile stays as it is. */
export async function startWorkloads(kubernetes: KubernetesClient, stopped: readonly Stopped[]): Promise<string[]> {
  const missing: string[] = [];
  for (const one of stopped) {
    const workload = await setReplicas(kubernetes, one, (present) => (present === 0 ? one.replicas : present));
    if (!workload) missing.push(`${one.namespace}/${one.name}`);
  }
  return missing;
}

async function countPods(kubernetes: KubernetesClient, workload: Workload): Promise<number> {
  const { namespace = "" } = workload.metadata;
  const pods = await kubernetes.list<Pod>(paths.podsOf(namespace), { labelSelector: selectorOf(workload) });
  return pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed").length;
}

/** The workload as it is then; null when there is none. */
async function setReplicas(
  kubernetes: KubernetesClient,
  { kind, namespace, name }: Stopped,
  choose: (present: number) => number,
): Promise<Workload | null> {
  const path = paths.workload(kind, namespace, name);
  for (let tries = 1; ; tries += 1) {
    const found = await kubernetes.get<Omit<Workload, "kind">>(path).catch(orMissing);
    if (!found) return null;
    const workload = readWorkload(kind, found);
    const replicas = choose(workload.spec.replicas ?? 1);
    if (replicas === (workload.spec.replicas ?? 1)) return workload;
    try {
      const patched = await kubernetes.patch<Omit<Workload, "kind">>(path, [
        { op: "test", path: "/metadata/resourceVersion", value: workload.metadata.resourceVersion },
        { op: "add", path: "/spec/replicas", value: replicas },
        ...markOwnGeneration(workload),
      ]);
      return readWorkload(kind, patched);
    } catch (error) {
      const isAgain = error instanceof KubernetesError && (error.status === 409 || error.status === 422) && tries < mostTries;
      if (!isAgain) throw error;
    }
  }
}

function orMissing(error: unknown): null {
  if (error instanceof KubernetesError && error.status === 404) return null;
  throw error;
}
