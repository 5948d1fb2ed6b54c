import { ConfigError, fieldValue, type Lookup, type PodNetwork } from "./environment.ts";
import type { DownwardItem, KeyItem, Pod, Projection, Volume } from "./pod.ts";
import { formatResource } from "./resources.ts";
import type { VolumeFile } from "./volume-files.ts";

/** Asks for a token of the pod's service account. */
export type TokenSource = (audience: string | undefined, expirationSeconds: number) => Promise<string>;

export type ContentSources = {
  pod: Pod;
  network: PodNetwork;
  capacity: { cpu: string; memory: string };
  lookup: Lookup;
  token: TokenSource;
  /** The certificate of the cluster's authority, in PEM. */
  authority: string;
};

const defaultFileMode = 0o644;
const defaultTokenSeconds = 3_600;

/** The files of a volume that is made of other objects; undefined for a volume of another kind. */
export async function contentOf(volume: Volume, sources: ContentSources): Promise<VolumeFile[] | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return projectionFiles({ configMap }, configMap.defaultMode, sources);
  if (secret) return projectionFiles({ secret: { ...secret, name: secret.secretName } }, secret.defaultMode, sources);
  if (downwardAPI) return projectionFiles({ downwardAPI }, downwardAPI.defaultMode, sources);
  if (!projected) return undefined;
  const files = new Map<string, VolumeFile>();
  for (const source of projected.sources ?? []) {
    for (const file of await projectionFiles(source, projected.defaultMode, sources)) files.set(file.path, file);
  }
  return [...files.values()];
}

async function projectionFiles(
  source: Projection,
  defaultMode = defaultFileMode,
  { pod, network, capacity, lookup, token, authority }: ContentSources,
): Promise<VolumeFile[]> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) {
    return keyFiles("configmap", configMap.name, await lookup("configmap", configMap.name), { ...configMap, defaultMode });
  }
  if (secret) return keyFiles("secret", secret.name, await lookup("secret", secret.name), { ...secret, defaultMode });
  if (downwardAPI) {
    return (downwardAPI.items ?? []).map((item) => ({
      path: item.path,
      data: downwardValue(item, pod, network, capacity),
      mode: item.mode ?? defaultMode,
    }));
  }
  if (serviceAccountToken) {
    const { path, audience, expirationSeconds = defaultTokenSeconds } = serviceAccountToken;
    return [{ path, data: await token(audience, expirationSeconds), mode: defaultMode }];
  }
  if (source.authority) return [{ path: source.authority.path, data: authority, mode: defaultMode }];
  throw new ConfigError(`the projected source ${Object.keys(source).join(", ")} is not supported by the local cluster`);
}

function downwardValue(
  { fieldRef, resourceFieldRef }: DownwardItem,
  pod: Pod,
  network: PodNetwork,
  capacity: { cpu: string; memory: string },
): string {
  if (fieldRef) return fieldValue(fieldRef.fieldPath, pod, network);
  const target = pod.spec.containers.find((container) => container.name === resourceFieldRef?.containerName);
  if (!target || !resourceFieldRef) return "";
  return formatResource(target, resourceFieldRef.resource, resourceFieldRef.divisor, capacity);
}

type KeyOptions = { items?: KeyItem[]; optional?: boolean; defaultMode?: number };

/** The files that a ConfigMap's or Secret's keys become. Throws in the words of Kubernetes when something is missing. */
export function keyFiles(
  kind: "configmap" | "secret",
  name: string,
  data: Record<string, Buffer> | undefined,
  { items, optional = false, defaultMode = defaultFileMode }: KeyOptions,
): VolumeFile[] {
  if (!data) {
    if (optional) return [];
    throw new ConfigError(`${kind} "${name}" not found`);
  }
  if (!items) return Object.entries(data).map(([key, value]) => ({ path: key, data: value, mode: defaultMode }));
  return items.flatMap(({ key, path, mode }) => {
    const value = data[key];
    if (value === undefined && optional) return [];
    if (value === undefined)
      throw new ConfigError(`references non-existent ${kind === "secret" ? "secret" : "config"} key: ${key}`);
    return [{ path, data: value, mode: mode ?? defaultMode }];
  });
}
