import { type ApiClient, ApiError } from "../api-client.ts";
import type { Pod, PodStatus } from "./pod.ts";
import { isSameStatus } from "./pod-status.ts";

const maxAttempts = 5;

/**
 * Writes a pod's status when it changed, and gives the pod as it is then. A conflict is resolved by the newest object, as long
 * as it is still the same pod; undefined when it is not any more.
 */
export async function writeStatus(
  client: Pick<ApiClient, "get" | "send">,
  pod: Pod,
  statusOf: (pod: Pod) => PodStatus,
): Promise<Pod | undefined> {
  const path = podPath(pod);
  let current = pod;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const status = statusOf(current);
    if (isSameStatus(status, current.status)) return current;
    try {
      return await client.send<Pod>(`${path}/status`, { method: "PUT", json: { ...current, status } });
    } catch (error) {
      if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error;
      const newest = error.code === 409 ? await client.get<Pod>(path).catch(ignoreMissing) : undefined;
      if (newest?.metadata.uid !== pod.metadata.uid) return undefined;
      current = newest;
    }
  }
  throw new Error("the pod's status could not be written: others write it all the time");
}

/** Removes the object of a pod whose processes have ended. */
export async function removePod(client: Pick<ApiClient, "send">, pod: Pod): Promise<void> {
  const preconditions = { uid: pod.metadata.uid };
  const json = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions };
  await client.send(podPath(pod), { method: "DELETE", json }).catch((error: unknown) => {
    if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error;
  });
}

function podPath({ metadata }: Pod): string {
  return `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof ApiError && error.code === 404) return undefined;
  throw error;
}
