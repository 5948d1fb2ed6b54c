import {
  ApiException,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";

/** Creates the object, or merges it into the one that is there. */
export async function apply(config: KubeConfig, object: KubernetesObject): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  try {
    await api.create(object);
  } catch (error) {
    if (!(error instanceof ApiException && error.code === 409)) throw error;
    await api.patch(object, undefined, undefined, "switchyard", undefined, PatchStrategy.MergePatch);
  }
}

/** Whether the API server said that there is no such object. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiException && error.code === 404;
}
