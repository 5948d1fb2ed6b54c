import { type ApiClient, ApiError } from "../api-client.ts";
import type { Container, Pod, PodSpec, Volume } from "./pod.ts";

type Client = Pick<ApiClient, "get" | "send">;
type TokenAnswer = { status: { token: string; expirationTimestamp: string } };
type Kept = { token: string; refreshAtMs: number; expiresAtMs: number };

/** Where every container finds what it needs to call the API. */
const accessPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const accessVolume = "kube-api-access";
const accessSeconds = 3_607;
/** A token is replaced when four fifths of its time are over, or after a day. */
const refreshAfter = 0.8;
const longestUseMs = 24 * 3_600_000;

/** The tokens of one pod's service account: kept while they are fresh, bound to the pod, one for each audience. */
export class PodTokens {
  readonly #client: Client;
  readonly #pod: Pod;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(client: Client, pod: Pod, now: () => number = Date.now) {
    this.#client = client;
    this.#pod = pod;
    this.#now = now;
  }

  async get(audience: string | undefined, expirationSeconds: number): Promise<string> {
    const key = `${audience ?? ""} ${expirationSeconds}`;
    const kept = this.#kept.get(key);
    if (kept && this.#now() < kept.refreshAtMs) return kept.token;
    try {
      const fresh = await this.#request(audience, expirationSeconds);
      this.#kept.set(key, fresh);
      return fresh.token;
    } catch (error) {
      // While the API is away, the old one does until it has really ended.
      if (kept && this.#now() < kept.expiresAtMs) return kept.token;
      throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #request(audience: string | undefined, expirationSeconds: number): Promise<Kept> {
    const { namespace, name, uid } = this.#pod.metadata;
    const account = this.#pod.spec.serviceAccountName ?? "default";
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${encodeURIComponent(account)}/token`;
    const spec = {
      audiences: audience ? [audience] : [],
      expirationSeconds,
      boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
    };
    const json = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const { status } = await this.#client.send<TokenAnswer>(path, { method: "POST", json });
    const expiresAtMs = Date.parse(status.expirationTimestamp);
    const now = this.#now();
    const refreshAtMs = now + Math.min(longestUseMs, (expiresAtMs - now) * refreshAfter);
    return { token: status.token, refreshAtMs, expiresAtMs };
  }
}

/** Whether the pod's containers are to find a token: the pod decides, else its service account. */
export async function wantsToken(client: Client, { metadata, spec }: Pod): Promise<boolean> {
  if (spec.automountServiceAccountToken !== undefined) return spec.automountServiceAccountToken;
  const account = spec.serviceAccountName ?? "default";
  const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${encodeURIComponent(account)}`;
  try {
    return (await client.get<{ automountServiceAccountToken?: boolean }>(path)).automountServiceAccountToken ?? true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) throw new Error(`serviceaccount "${account}" not found`);
    throw error;
  }
}

/** The volume that Kubernetes gives a pod beyond its manifest: token, authority and namespace. */
export function accessVolumeOf(spec: PodSpec): Volume {
  const taken = new Set((spec.volumes ?? []).map(({ name }) => name));
  const name = taken.has(accessVolume) ? `${accessVolume}-2` : accessVolume;
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: accessSeconds } },
        { authority: { path: "ca.crt" } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
      ],
    },
  };
}

/** The container with the access volume mounted, unless its manifest mounts something there itself. */
export function withAccess(container: Container, volume: Volume | undefined): Container {
  const mounts = container.volumeMounts ?? [];
  if (!volume || mounts.some(({ mountPath }) => mountPath.replace(/\/$/, "") === accessPath)) return container;
  return { ...container, volumeMounts: [...mounts, { name: volume.name, mountPath: accessPath, readOnly: true }] };
}
