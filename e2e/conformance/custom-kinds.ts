import type { V1CustomResourceDefinition } from "@kubernetes/client-node";

export type Gadget = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    generation?: number;
    resourceVersion?: string;
    uid?: string;
    [field: string]: unknown;
  };
  spec: { [field: string]: unknown };
  status?: { [field: string]: unknown };
};

const ports = {
  type: "array",
  maxItems: 3,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
  items: {
    type: "object",
    required: ["name", "port"],
    properties: { name: { type: "string" }, port: { type: "integer", minimum: 1, maximum: 65535 } },
  },
};

const spec = {
  type: "object",
  required: ["size"],
  properties: {
    size: { type: "string", enum: ["small", "large"] },
    replicas: { type: "integer", minimum: 0, maximum: 10, default: 1 },
    title: { type: "string", pattern: "^[a-z]+$", maxLength: 8, minLength: 2 },
    note: { type: "string", nullable: true },
    limit: { type: "string" },
    share: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    tags: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
    labels: { type: "object", additionalProperties: { type: "string" } },
    ports,
    network: {
      type: "object",
      default: {},
      properties: { mode: { type: "string", default: "bridge" }, mtu: { type: "integer", default: 1500 } },
    },
  },
};

const status = {
  type: "object",
  properties: {
    replicas: { type: "integer" },
    selector: { type: "string" },
    phase: { type: "string", enum: ["Ready", "Broken"] },
    conditions: {
      type: "array",
      items: { type: "object", properties: { type: { type: "string" }, status: { type: "string" } } },
    },
  },
};

const oldSpec = { ...spec, properties: { size: spec.properties.size, replicas: spec.properties.replicas } };

const subresources = {
  status: {},
  scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas", labelSelectorPath: ".status.selector" },
};

export const columns = [
  { name: "Size", type: "string", jsonPath: ".spec.size" },
  { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
  { name: "Healthy", type: "string", jsonPath: '.status.conditions[?(@.type=="Healthy")].status' },
  { name: "Ports", type: "string", jsonPath: ".spec.ports[*].name", priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** A definition of gadgets with two versions, of which the older one knows fewer fields. */
export function gadgets(group: string, names: object = {}): V1CustomResourceDefinition {
  const openAPIV3Schema = (ofSpec: object) => ({ type: "object", required: ["spec"], properties: { spec: ofSpec, status } });
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `gadgets.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "gadgets", singular: "gadget", kind: "Gadget", shortNames: ["gg"], categories: ["toys"], ...names },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: openAPIV3Schema(spec) },
          subresources,
          additionalPrinterColumns: columns,
        },
        {
          name: "v1beta1",
          served: true,
          storage: false,
          deprecated: true,
          schema: { openAPIV3Schema: openAPIV3Schema(oldSpec) },
          subresources,
        },
      ],
    },
  };
  return definition as V1CustomResourceDefinition;
}

/** A definition of one version, which admits any spec. */
export function looseKind(group: string, plural: string, kind: string, names: object = {}): V1CustomResourceDefinition {
  const anySpec = { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } };
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind, ...names },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: anySpec } }],
    },
  };
  return definition as V1CustomResourceDefinition;
}
