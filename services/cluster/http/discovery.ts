import type { Catalogue } from "../resources/catalogue.ts";
import { type ComputedResource, computedResources } from "../resources/computed.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import { compareVersions } from "../resources/versions.ts";
import { parseAccept } from "./negotiation.ts";

const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const readWrite = ["get", "patch", "update"];

type Subresource = { name: string; kind: string; group?: string; version?: string; verbs: string[] };

type Entry = ComputedResource & { categories?: string[]; subresources: Subresource[] };

export function coreVersions(serverAddress: string) {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** What is served under /apis: built-in groups, those of custom resources, and those of resources that are only computed. */
export function groupList(catalogue: Catalogue) {
  const entries = entriesOf(catalogue);
  return { kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(entries).map((group) => groupEntry(entries, group)) };
}

export function findGroup(catalogue: Catalogue, group: string) {
  const entries = entriesOf(catalogue);
  if (!groupsOf(entries).includes(group)) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(entries, group) };
}

/** The resources of a group version, or undefined when it is not served. */
export function resourceList(catalogue: Catalogue, group: string, version: string) {
  const entries = entriesOf(catalogue).filter((entry) => entry.group === group && entry.version === version);
  if (entries.length === 0) return undefined;
  const resources = entries.flatMap((entry) => [
    {
      name: entry.resource,
      singularName: entry.singular,
      namespaced: entry.namespaced,
      kind: entry.kind,
      verbs: entry.verbs,
      ...extrasOf(entry),
    },
    ...entry.subresources.map((subresource) => ({
      name: `${entry.resource}/${subresource.name}`,
      singularName: "",
      namespaced: entry.namespaced,
      ...(subresource.group === undefined ? {} : { group: subresource.group }),
      ...(subresource.version === undefined ? {} : { version: subresource.version }),
      kind: subresource.kind,
      verbs: subresource.verbs,
    })),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: groupVersionOf(group, version), resources };
}

/** The version of apidiscovery.k8s.io that the client asks for first, when it does. */
export function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== "application/json") continue;
    if (parameters.as === undefined) return undefined;
    const isKnown = parameters.v === "v2" || parameters.v === "v2beta1";
    if (parameters.as === "APIGroupDiscoveryList" && parameters.g === "apidiscovery.k8s.io" && isKnown) return parameters.v;
  }
  return undefined;
}

/** Everything that is served under /api or /apis in one document. */
export function aggregatedDiscovery(catalogue: Catalogue, isCore: boolean, version: string) {
  const entries = entriesOf(catalogue);
  const items = (isCore ? [""] : groupsOf(entries)).map((group) => ({
    metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
    versions: versionsOf(entries, group).map((one) => ({
      version: one,
      freshness: "Current",
      resources: entries.filter((entry) => entry.group === group && entry.version === one).map(aggregatedResource),
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function aggregatedResource(entry: Entry) {
  const { group, version, kind } = entry;
  return {
    resource: entry.resource,
    responseKind: { group, version, kind },
    scope: entry.namespaced ? "Namespaced" : "Cluster",
    singularResource: entry.singular,
    verbs: entry.verbs,
    ...extrasOf(entry),
    ...(entry.subresources.length > 0
      ? {
          subresources: entry.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: {
              group: subresource.group ?? group,
              version: subresource.version ?? version,
              kind: subresource.kind,
            },
            verbs: subresource.verbs,
          })),
        }
      : {}),
  };
}

function entriesOf(catalogue: Catalogue): Entry[] {
  const stored = catalogue.served.map((definition): Entry => {
    const { id, version, kind, singular, namespaced, shortNames, categories, hasDeleteCollection = true } = definition;
    const verbs = hasDeleteCollection ? allVerbs : allVerbs.filter((verb) => verb !== "deletecollection");
    const names = { version, kind, singular, namespaced, shortNames, categories };
    return { ...id, ...names, verbs, subresources: subresourcesOf(definition) };
  });
  return [...stored, ...computedResources.map((computed): Entry => ({ ...computed, subresources: [] }))];
}

function subresourcesOf(definition: ResourceDefinition): Subresource[] {
  const { kind, id } = definition;
  const result: Subresource[] = [];
  if (definition.hasStatus) result.push({ name: "status", kind, verbs: readWrite });
  if (definition.hasScale) result.push({ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: readWrite });
  if (id.group === "" && id.resource === "namespaces") result.push({ name: "finalize", kind, verbs: ["update"] });
  if (id.group === "" && id.resource === "pods") {
    result.push(
      { name: "log", kind, verbs: ["get"] },
      { name: "exec", kind: "PodExecOptions", verbs: ["create", "get"] },
      { name: "proxy", kind: "PodProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
      { name: "binding", kind: "Binding", verbs: ["create"] },
      { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    );
  }
  if (id.group === "" && id.resource === "serviceaccounts") {
    result.push({ name: "token", kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] });
  }
  return result.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function extrasOf({ shortNames, categories }: Entry) {
  return { ...(shortNames ? { shortNames } : {}), ...(categories ? { categories } : {}) };
}

function groupsOf(entries: Entry[]): string[] {
  return [...new Set(entries.map(({ group }) => group))].filter((group) => group !== "");
}

/** The versions of a group, the preferred one first. */
function versionsOf(entries: Entry[], group: string): string[] {
  return [...new Set(entries.filter((entry) => entry.group === group).map(({ version }) => version))].sort(compareVersions);
}

function groupEntry(entries: Entry[], name: string) {
  const versions = versionsOf(entries, name).map((version) => ({ groupVersion: groupVersionOf(name, version), version }));
  return { name, versions, preferredVersion: versions[0] };
}

function groupVersionOf(group: string, version: string): string {
  return apiVersionOf({ id: { group, resource: "" }, version });
}
