import { type ApiClient, ApiError } from "../api-client.ts";
import type { HostPath } from "./pod.ts";

type Claim = { spec?: { volumeName?: string }; status?: { phase?: string } };
type PersistentVolume = { spec?: { hostPath?: HostPath; local?: { path: string } } };

/** The directory that a claim is bound to. Throws in Kubernetes' words while it is not. */
export async function findClaim(client: Pick<ApiClient, "get">, namespace: string, name: string): Promise<HostPath> {
  const claimPath = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${encodeURIComponent(name)}`;
  const claim = await client.get<Claim>(claimPath).catch(missing(`persistentvolumeclaim "${name}" not found`));
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== "Bound" || !volumeName) {
    throw new Error(`error processing PVC ${namespace}/${name}: PVC is not bound`);
  }
  const volume = await client
    .get<PersistentVolume>(`/api/v1/persistentvolumes/${encodeURIComponent(volumeName)}`)
    .catch(missing(`persistentvolume "${volumeName}" not found`));
  const { hostPath, local } = volume.spec ?? {};
  if (hostPath) return hostPath;
  if (local) return { path: local.path, type: "Directory" };
  throw new Error(`persistentvolume "${volumeName}" is of a kind that is not supported by the local cluster`);
}

function missing(message: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof ApiError && error.code === 404 ? new Error(message) : error;
  };
}
