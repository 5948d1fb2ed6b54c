import { createHash, randomBytes } from "node:crypto";
import { parse, stringify } from "yaml";
import { apiVersionOf } from "./object-kinds.ts";

/** An object as an archive has it: what people wrote, without what the cluster added. */
export type ManifestObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
} & Record<string, unknown>;

/** An object as the API answers it. */
export type LiveObject = {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
} & Record<string, unknown>;

type Fields = Record<string, unknown>;

/** Annotations that the cluster, kubectl or a rollout keeps for itself. */
const foreignAnnotation =
  /^(kubectl\.kubernetes\.io\/last-applied-configuration|deployment\.kubernetes\.io\/.*|pv\.kubernetes\.io\/.*|volume\.(beta\.)?kubernetes\.io\/(storage-provisioner|selected-node)|autoscaling\.alpha\.kubernetes\.io\/.*|switchyard\.dev\/(rollout|rollout-generations))$/;

/** The object without what belongs to this cluster and this moment alone, so that it can be made again anywhere. */
export function cleanObject(kind: string, live: LiveObject): ManifestObject {
  const { metadata, status: _, apiVersion: __, kind: ___, ...content } = structuredClone(live);
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([name]) => !foreignAnnotation.test(name)),
  );
  return {
    apiVersion: apiVersionOf(kind),
    kind,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(isEmpty(metadata.labels) ? {} : { labels: metadata.labels }),
      ...(isEmpty(annotations) ? {} : { annotations }),
    },
    ...cleanContent(kind, content),
  };
}

function cleanContent(kind: string, content: Fields): Fields {
  const spec = fieldsOf(content.spec);
  switch (kind) {
    case "ServiceAccount": {
      // Names of Secrets with tokens that the cluster makes.
      const { secrets: _, ...rest } = content;
      return rest;
    }
    case "Service": {
      const { clusterIP, clusterIPs, ipFamilies, healthCheckNodePort, ...rest } = spec;
      return { ...content, spec: { ...rest, ...(clusterIP === "None" ? { clusterIP } : {}) } };
    }
    case "PersistentVolumeClaim": {
      const { volumeName, ...rest } = spec;
      return { ...content, spec: rest };
    }
    case "Deployment":
    case "StatefulSet":
      return { ...content, spec: cleanWorkload(spec) };
    default:
      return content;
  }
}

function cleanWorkload(spec: Fields): Fields {
  const template = fieldsOf(spec.template);
  const { creationTimestamp: _, ...metadata } = fieldsOf(template.metadata);
  const claims = Array.isArray(spec.volumeClaimTemplates)
    ? { volumeClaimTemplates: spec.volumeClaimTemplates.map(cleanClaim) }
    : {};
  return { ...spec, template: { ...template, metadata }, ...claims };
}

function cleanClaim(claim: unknown): Fields {
  const { status: _, metadata, ...rest } = fieldsOf(claim);
  const { creationTimestamp: __, ...kept } = fieldsOf(metadata);
  return { ...rest, metadata: kept };
}

/** SHA-256 of what an object says, whatever the order of its fields. */
export function hashObject(object: ManifestObject): string {
  const { namespace: _, ...metadata } = object.metadata;
  return createHash("sha256")
    .update(canonical({ ...object, metadata }))
    .digest("hex");
}

/** Whether two objects say the same; their namespaces are not compared. */
export function saysTheSame(a: ManifestObject, b: ManifestObject): boolean {
  return hashObject(a) === hashObject(b);
}

/** The object as YAML. Checksums of files are no secret, so a Secret's has a line of chance that keeps weak passwords from being guessed. */
export function writeObject(object: ManifestObject): string {
  const head = object.kind === "Secret" ? `# ${randomBytes(24).toString("base64url")}\n` : "";
  return head + stringify(object, { lineWidth: 0, sortMapEntries: true });
}

/** An object of an archive; throws an Error that names the file for anything else. */
export function readObject(name: string, text: string): ManifestObject {
  const value: unknown = parse(text);
  const object = fieldsOf(value) as ManifestObject;
  if (typeof object.kind === "string" && typeof object.apiVersion === "string" && typeof object.metadata?.name === "string") {
    return object;
  }
  throw new Error(`The file ${name} of the archive is no Kubernetes object.`);
}

/** The same object for another namespace, with the references to the former one that its kind has. */
export function moveObject(object: ManifestObject, from: string, to: string): ManifestObject {
  if (from === to) return object;
  const moved = structuredClone(object);
  moved.metadata.namespace = to;
  const spec = fieldsOf(moved.spec);
  if (moved.kind === "HTTPRoute") renameNamespaces(spec, from, to);
  // A port of the nodes belongs to one Service of the whole cluster.
  if (moved.kind === "Service") for (const port of listOf(spec.ports)) delete port.nodePort;
  return moved;
}

function renameNamespaces(value: unknown, from: string, to: string): void {
  for (const entry of Array.isArray(value) ? value : Object.values(fieldsOf(value))) {
    if (typeof entry !== "object" || entry === null) continue;
    const fields = entry as Fields;
    if (fields.namespace === from) fields.namespace = to;
    renameNamespaces(fields, from, to);
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

/** Null and empty lists count as absent: a server may leave them out, or write them. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([, entry]) => entry !== null && entry !== undefined && !(Array.isArray(entry) && entry.length === 0),
  );
  return Object.fromEntries(entries.map(([key, entry]) => [key, sortKeys(entry)] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function isEmpty(map: object | undefined): boolean {
  return map === undefined || Object.keys(map).length === 0;
}
