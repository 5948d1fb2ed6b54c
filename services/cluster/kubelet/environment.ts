import type { Container, EnvVar, Pod } from "./pod.ts";
import { formatResource } from "./resources.ts";

/** What a container cannot start without: reported as CreateContainerConfigError in the words of Kubernetes. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type PodNetwork = { podIP: string; hostIP: string };

/** The data of a ConfigMap or Secret; undefined when there is none of that name. */
export type Lookup = (kind: "configmap" | "secret", name: string) => Promise<Record<string, Buffer> | undefined>;

export type EnvironmentSources = {
  pod: Pod;
  network: PodNetwork;
  imageEnv: Record<string, string>;
  serviceEnv: Record<string, string>;
  capacity: { cpu: string; memory: string };
  lookup: Lookup;
};

/** A container's environment: the image's, the services', envFrom, then env, the later winning. */
export async function buildEnvironment(container: Container, sources: EnvironmentSources): Promise<Record<string, string>> {
  const { pod, lookup } = sources;
  const result: Record<string, string> = {
    ...sources.imageEnv,
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    ...sources.serviceEnv,
  };
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    for (const [kind, ref] of [["configmap", configMapRef] as const, ["secret", secretRef] as const]) {
      if (!ref) continue;
      const data = await lookup(kind, ref.name);
      if (!data && !ref.optional) throw new ConfigError(`${kind} "${ref.name}" not found`);
      for (const [key, value] of Object.entries(data ?? {})) result[prefix + key] = value.toString();
    }
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, container, sources, result);
    if (value !== undefined) result[variable.name] = value;
  }
  return result;
}

async function variableValue(
  variable: EnvVar,
  container: Container,
  { pod, network, capacity, lookup }: EnvironmentSources,
  known: Record<string, string>,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expand(variable.value ?? "", known);
  if (from.fieldRef) return fieldValue(from.fieldRef.fieldPath, pod, network);
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const target = pod.spec.containers.find((other) => other.name === containerName) ?? container;
    return formatResource(target, resource, divisor, capacity);
  }
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref) return "";
  const kind = from.configMapKeyRef ? "configmap" : "secret";
  const data = await lookup(kind, ref.name);
  if (!data) {
    if (ref.optional) return undefined;
    throw new ConfigError(`${kind} "${ref.name}" not found`);
  }
  const value = data[ref.key];
  if (value !== undefined) return value.toString();
  if (ref.optional) return undefined;
  const word = kind === "configmap" ? "ConfigMap" : "Secret";
  throw new ConfigError(`couldn't find key ${ref.key} in ${word} ${pod.metadata.namespace}/${ref.name}`);
}

/** The value of a downward API field path. */
export function fieldValue(path: string, pod: Pod, network: PodNetwork): string {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed?.[2]) return (keyed[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations)?.[keyed[2]] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return network.podIP;
    case "status.hostIP":
    case "status.hostIPs":
      return network.hostIP;
    default:
      throw new ConfigError(`unsupported fieldPath: ${path}`);
  }
}

/** Replaces $(NAME) by a known variable; $$(NAME) stays as $(NAME), and an unknown reference stays as it is. */
export function expand(text: string, known: Record<string, string>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) => {
    if (match === "$$") return "$";
    return name !== undefined && Object.hasOwn(known, name) ? (known[name] ?? "") : match;
  });
}

/** The same for a subPathExpr, in which every reference must be known. */
export function expandStrictly(text: string, known: Record<string, string>): string {
  const missing = [...text.matchAll(/\$\$|\$\(([^()]*)\)/g)].find(
    ([, name]) => name !== undefined && !Object.hasOwn(known, name),
  );
  if (missing) throw new ConfigError(`missing value for "${missing[1]}"`);
  return expand(text, known);
}

export type ServiceForEnv = {
  metadata: { name: string; namespace?: string };
  spec: { clusterIP?: string; externalName?: string; ports?: { name?: string; port: number; protocol?: string }[] };
};

/** The variables that Kubernetes gives for each Service of the pod's namespace, and for kubernetes of default. */
export function serviceEnvironment(services: Iterable<ServiceForEnv>, namespace: string, links: boolean): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { metadata, spec } of services) {
    const isApi = metadata.namespace === "default" && metadata.name === "kubernetes";
    const ip = spec.clusterIP;
    const [first] = spec.ports ?? [];
    if (!(isApi || (links && metadata.namespace === namespace)) || !ip || ip === "None" || !first) continue;
    const prefix = envName(metadata.name);
    result[`${prefix}_SERVICE_HOST`] = ip;
    result[`${prefix}_SERVICE_PORT`] = String(first.port);
    result[`${prefix}_PORT`] = `tcp://${ip}:${first.port}`;
    for (const { name, port, protocol = "TCP" } of spec.ports ?? []) {
      if (name) result[`${prefix}_SERVICE_PORT_${envName(name)}`] = String(port);
      const base = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      result[base] = `${protocol.toLowerCase()}://${ip}:${port}`;
      result[`${base}_PROTO`] = protocol.toLowerCase();
      result[`${base}_PORT`] = String(port);
      result[`${base}_ADDR`] = ip;
    }
  }
  return result;
}

function envName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function formatMap(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}
