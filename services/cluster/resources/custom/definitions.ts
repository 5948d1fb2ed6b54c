import { isDeepStrictEqual } from "node:util";
import type {
  V1CustomResourceColumnDefinition,
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionVersion,
} from "@kubernetes/client-node";
import type { KubeObject } from "../../api.ts";
import { isObject } from "../../patch/merge-patch.ts";
import { type Decoded, decode } from "../../schema/decode.ts";
import { age, type Cell, type TableFormat } from "../../tables/table.ts";
import type { ResourceDefinition } from "../definition.ts";
import { compareVersions } from "../versions.ts";
import { valuesAt } from "./json-path.ts";
import { prune, type Schema, setSchemaDefaults } from "./schema.ts";
import { compileSchema } from "./schema-validator.ts";

/** What a custom resource definition serves: a definition for each of its versions, none until its names are accepted. */
export function definitionsOf(crd: KubeObject): ResourceDefinition[] {
  const { metadata, spec, status } = crd as unknown as V1CustomResourceDefinition;
  if (!status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True")) return [];
  const { plural, kind, listKind, singular = kind.toLowerCase(), shortNames, categories } = spec.names;
  const isTerminating = metadata?.deletionTimestamp !== undefined;
  const schemaOf = (version: V1CustomResourceDefinitionVersion) => (version.schema?.openAPIV3Schema ?? {}) as Schema;
  const storedSchema = schemaOf(spec.versions.find(({ storage }) => storage) ?? ({} as V1CustomResourceDefinitionVersion));
  return spec.versions.map((version): ResourceDefinition => {
    const schema = schemaOf(version);
    const validate = compileSchema(withNameRules(schema));
    const fields = (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath);
    const hasStatus = version.subresources?.status !== undefined;
    return {
      id: { group: spec.group, resource: plural },
      version: version.name,
      kind,
      listKind,
      singular,
      shortNames,
      categories,
      namespaced: spec.scope === "Namespaced",
      type: "",
      decode: (given) => decodeCustom(schema, given),
      show: viewOf(schema, storedSchema, `${spec.group}/${version.name}`),
      warning: version.deprecated ? (version.deprecationWarning ?? deprecationOf(version, spec)) : undefined,
      isServed: version.served,
      isStored: version.storage,
      ...(isTerminating ? { refusesCreation: "create not allowed while custom resource definition is terminating" } : {}),
      hasStatus,
      hasScale: version.subresources?.scale !== undefined,
      scalePaths: version.subresources?.scale,
      hasGeneration: true,
      nameRule: "subdomain",
      selectableFields: {
        names: fields.map((path) => path.slice(1)),
        of: (object) => Object.fromEntries(fields.map((path) => [path.slice(1), String(valuesAt(path, object)[0] ?? "")])),
      },
      table: tableFor(version.additionalPrinterColumns),
      complete(object) {
        if (hasStatus) delete object.status;
      },
      validate,
      validateStatus: validate,
    };
  });
}

function decodeCustom(schema: Schema, given: unknown): Decoded {
  const unknownFields: string[] = [];
  const value = prune(schema, given, "", unknownFields);
  const metadata = decode("V1ObjectMeta", isObject(value) ? (value.metadata ?? {}) : {});
  unknownFields.push(...metadata.unknownFields.map((field) => `metadata.${field}`));
  const object = { ...(isObject(value) ? structuredClone(value) : {}), metadata: metadata.value };
  setSchemaDefaults(schema, object);
  return { value: object, unknownFields };
}

/** Of the schema of metadata only what is said of names counts. */
function withNameRules(schema: Schema): Schema {
  const { name, generateName } = schema.properties?.metadata?.properties ?? {};
  const properties = { ...(name ? { name } : {}), ...(generateName ? { generateName } : {}) };
  return { ...schema, properties: { ...schema.properties, metadata: { type: "object", properties } } };
}

/** A stored object gets the defaults of the stored version, and loses what the shown version does not have. */
function viewOf(schema: Schema, storedSchema: Schema, apiVersion: string): (object: KubeObject) => KubeObject {
  const views = new WeakMap<KubeObject, KubeObject>();
  return (object) => {
    const known = views.get(object);
    if (known) return known;
    const copy = structuredClone(object);
    setSchemaDefaults(storedSchema, copy);
    const view = { ...(prune(schema, copy, "", []) as KubeObject), apiVersion };
    const shown = isDeepStrictEqual(view, object) ? object : view;
    views.set(object, shown);
    return shown;
  };
}

/** Kubernetes: pkg/apiserver/customresource_handler.go, defaultDeprecationWarning. */
function deprecationOf({ name }: V1CustomResourceDefinitionVersion, spec: V1CustomResourceDefinition["spec"]): string {
  const [better] = spec.versions
    .filter((one) => one.served && !one.deprecated && compareVersions(one.name, name) < 0)
    .map((one) => one.name)
    .sort(compareVersions);
  const { kind } = spec.names;
  return `${spec.group}/${name} ${kind} is deprecated${better ? `; use ${spec.group}/${better} ${kind}` : ""}`;
}

const ageOnly: V1CustomResourceColumnDefinition[] = [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }];

function tableFor(columns: V1CustomResourceColumnDefinition[] = ageOnly): TableFormat {
  return {
    columns: [
      { name: "Name" },
      ...columns.map(({ name, type, format, description, priority = 0 }) => ({
        name,
        type,
        format: format ?? "",
        description,
        wide: priority > 0,
      })),
    ],
    row: (object, now) => [object.metadata.name, ...columns.map((column) => cellOf(column, object, now))],
  };
}

/** Kubernetes: apiextensions-apiserver, tableconvertor.go. */
function cellOf({ type, jsonPath }: V1CustomResourceColumnDefinition, object: KubeObject, now: Date): Cell {
  const [value] = valuesAt(jsonPath, object);
  if (value === undefined || value === null) return null;
  if (type === "date") return typeof value === "string" ? age(value, now) : null;
  if (type === "integer" || type === "number") return typeof value === "number" ? value : null;
  if (type === "boolean") return typeof value === "boolean" ? value : null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
