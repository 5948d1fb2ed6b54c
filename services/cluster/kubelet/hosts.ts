import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ServiceForEnv } from "./environment.ts";

export type EndpointSlice = {
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string; labels?: Record<string, string> };
  addressType?: string;
  endpoints?: {
    addresses: string[];
    hostname?: string;
    conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
    targetRef?: { kind?: string; name?: string };
  }[];
  ports?: { name?: string; port?: number; protocol?: string }[];
};

export type HostsInput = {
  namespace: string;
  services: ServiceForEnv[];
  slices: EndpointSlice[];
  /** The pods of this node in the namespace. */
  pods: { name: string; ip: string }[];
};

/** The text of /etc/hosts for the pods of a namespace: every Service by the names that cluster DNS would know, own namespace short. */
export function hostsText({ namespace, services, slices, pods }: HostsInput): string {
  const lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"];
  for (const { metadata, spec } of services) {
    const owner = metadata.namespace ?? "default";
    const names = namesOf(metadata.name, owner, namespace);
    if (spec.clusterIP !== "None") {
      for (const address of addressesOf(metadata.name, owner, services, slices)) lines.push(`${address} ${names.join(" ")}`);
      continue;
    }
    for (const endpoint of endpointsOf(slices, metadata.name, owner)) {
      const own = endpoint.hostname ? namesOf(`${endpoint.hostname}.${metadata.name}`, owner, namespace) : [];
      for (const address of endpoint.addresses) lines.push(`${address} ${[...own, ...names].join(" ")}`);
    }
  }
  for (const { name, ip } of pods) lines.push(`${ip} ${name}`);
  return `${lines.join("\n")}\n`;
}

const longestAliasChain = 8;

/** A ClusterIP, the endpoints of a headless Service, or what the Service has that an ExternalName in this cluster names. */
function addressesOf(
  service: string,
  namespace: string,
  services: ServiceForEnv[],
  slices: EndpointSlice[],
  depth = 0,
): string[] {
  const spec = services.find(({ metadata }) => metadata.name === service && metadata.namespace === namespace)?.spec;
  if (spec?.clusterIP === "None") return endpointsOf(slices, service, namespace).flatMap(({ addresses }) => addresses);
  if (spec?.clusterIP) return [spec.clusterIP];
  const [, name, owner] = /^([^.]+)\.([^.]+)\.svc\.cluster\.local\.?$/.exec(spec?.externalName ?? "") ?? [];
  if (!name || !owner || depth === longestAliasChain) return [];
  return addressesOf(name, owner, services, slices, depth + 1);
}

function namesOf(service: string, owner: string, reader: string): string[] {
  const names = [`${service}.${owner}`, `${service}.${owner}.svc`, `${service}.${owner}.svc.cluster.local`];
  return owner === reader ? [service, ...names] : names;
}

function endpointsOf(slices: EndpointSlice[], service: string, namespace: string) {
  return slices
    .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === service)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false);
}

/** One hosts file per namespace, rewritten in place: running containers have it bind mounted, so it must stay the same inode. */
export class HostsFiles {
  readonly #folder: string;
  readonly #texts = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  pathOf(namespace: string): string {
    return join(this.#folder, namespace);
  }

  get namespaces(): string[] {
    return [...this.#texts.keys()];
  }

  /** Writes the file when its text changed. */
  write(namespace: string, text: string): void {
    if (this.#texts.get(namespace) === text) return;
    const bytes = Buffer.from(text);
    const descriptor = openSync(this.pathOf(namespace), this.#texts.has(namespace) ? "r+" : "a+", 0o644);
    try {
      if (!this.#texts.has(namespace)) ftruncateSync(descriptor, 0);
      writeSync(descriptor, bytes, 0, bytes.length, 0);
      ftruncateSync(descriptor, bytes.length);
    } finally {
      closeSync(descriptor);
    }
    this.#texts.set(namespace, text);
  }
}
