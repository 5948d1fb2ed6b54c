import { catalogue } from "../resources/catalogue.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import { parseAccept } from "./negotiation.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

type Subresource = { name: string; kind: string; group?: string; version?: string; verbs: string[] };

/** Reviews are asked, never stored: they have no definition in the catalogue. */
const reviews = [
  { name: "selfsubjectaccessreviews", singularName: "selfsubjectaccessreview", kind: "SelfSubjectAccessReview" },
  { name: "selfsubjectrulesreviews", singularName: "selfsubjectrulesreview", kind: "SelfSubjectRulesReview" },
];

const groups: readonly string[] = [...new Set([...catalogue.map(({ id }) => id.group), "authorization.k8s.io"])].filter(
  (group) => group !== "",
);

export function coreVersions(serverAddress: string) {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

export function groupList() {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupEntry) };
}

export function findGroup(group: string) {
  return groups.includes(group) ? { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) } : undefined;
}

/** The resources of a group version, or undefined when it is not served. */
export function resourceList(group: string, version: string) {
  if (!versionsOf(group).includes(version)) return undefined;
  const definitions = catalogue.filter(({ id, version: served }) => id.group === group && served === version);
  const resources = definitions.flatMap((definition) => [
    {
      name: definition.id.resource,
      singularName: definition.singular,
      namespaced: definition.namespaced,
      kind: definition.kind,
      verbs,
      ...(definition.shortNames ? { shortNames: definition.shortNames } : {}),
      ...(definition.categories ? { categories: definition.categories } : {}),
    },
    ...subresourcesOf(definition).map(({ name, kind, group, version, verbs }) => ({
      name: `${definition.id.resource}/${name}`,
      singularName: "",
      namespaced: definition.namespaced,
      ...(group === undefined ? {} : { group }),
      ...(version === undefined ? {} : { version }),
      kind,
      verbs,
    })),
  ]);
  const reviewEntries =
    group === "authorization.k8s.io" ? reviews.map((review) => ({ ...review, namespaced: false, verbs: ["create"] })) : [];
  const groupVersion = group ? `${group}/${version}` : version;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: [...resources, ...reviewEntries] };
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
export function aggregatedDiscovery(isCore: boolean, version: string) {
  const items = (isCore ? [""] : groups).map((group) => ({
    metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
    versions: versionsOf(group).map((one) => ({
      version: one,
      freshness: "Current",
      resources: aggregatedResources(group, one),
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function aggregatedResources(group: string, groupVersion: string) {
  const stored = catalogue
    .filter(({ id, version }) => id.group === group && version === groupVersion)
    .map((definition) => ({
      resource: definition.id.resource,
      responseKind: { group: definition.id.group, version: definition.version, kind: definition.kind },
      scope: definition.namespaced ? "Namespaced" : "Cluster",
      singularResource: definition.singular,
      verbs,
      ...(definition.shortNames ? { shortNames: definition.shortNames } : {}),
      ...(definition.categories ? { categories: definition.categories } : {}),
      subresources: subresourcesOf(definition).map((subresource) => ({
        subresource: subresource.name,
        responseKind: {
          group: subresource.group ?? definition.id.group,
          version: subresource.version ?? definition.version,
          kind: subresource.kind,
        },
        verbs: subresource.verbs,
      })),
    }));
  const asked = reviews.map(({ name, singularName, kind }) => ({
    resource: name,
    responseKind: { group, version: "v1", kind },
    scope: "Cluster",
    singularResource: singularName,
    verbs: ["create"],
  }));
  return group === "authorization.k8s.io" ? [...stored, ...asked] : stored;
}

function subresourcesOf(definition: ResourceDefinition): Subresource[] {
  const readWrite = ["get", "patch", "update"];
  const { kind, id } = definition;
  const result: Subresource[] = [];
  if (definition.hasStatus) result.push({ name: "status", kind, verbs: readWrite });
  if (definition.hasScale) result.push({ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: readWrite });
  if (id.group === "" && id.resource === "namespaces") result.push({ name: "finalize", kind, verbs: ["update"] });
  if (id.group === "" && id.resource === "pods") {
    result.push(
      { name: "log", kind, verbs: ["get"] },
      { name: "binding", kind: "Binding", verbs: ["create"] },
      { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    );
  }
  return result.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The versions of a group, the preferred one first. */
function versionsOf(group: string): string[] {
  const versions = new Set(catalogue.filter(({ id }) => id.group === group).map(({ version }) => version));
  return group === "authorization.k8s.io" ? ["v1"] : [...versions];
}

function groupEntry(name: string) {
  const versions = versionsOf(name).map((version) => ({
    groupVersion: apiVersionOf({ id: { group: name, resource: "" }, version }),
    version,
  }));
  return { name, versions, preferredVersion: versions[0] };
}
