import { isDeepStrictEqual } from "node:util";
import type { V1Secret } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { configMapTable, eventTable, secretTable, serviceAccountTable } from "../tables/configuration-tables.ts";
import type { FieldErrors } from "../validation/field-errors.ts";
import { validateSecretType } from "../validation/secret-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

const eventFieldNames = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

export const configurationResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "configmaps" },
    version: "v1",
    kind: "ConfigMap",
    singular: "configmap",
    shortNames: ["cm"],
    namespaced: true,
    type: "V1ConfigMap",
    nameRule: "subdomain",
    table: configMapTable,
    validate: validateKeys,
    validateUpdate: validateImmutable,
  },
  {
    id: { group: "", resource: "secrets" },
    version: "v1",
    kind: "Secret",
    singular: "secret",
    namespaced: true,
    type: "V1Secret",
    nameRule: "subdomain",
    selectableFields: { names: ["type"], of: (object) => ({ type: String(object.type ?? "") }) },
    table: secretTable,
    setDefaults: takeStringData,
    validate(object, errors) {
      validateKeys(object, errors);
      validateSecretType(object as unknown as V1Secret, errors);
    },
    validateUpdate(object, stored, errors) {
      if (object.type !== stored.type) errors.invalid("type", object.type, "field is immutable");
      validateImmutable(object, stored, errors);
    },
  },
  {
    id: { group: "", resource: "serviceaccounts" },
    version: "v1",
    kind: "ServiceAccount",
    singular: "serviceaccount",
    shortNames: ["sa"],
    namespaced: true,
    type: "V1ServiceAccount",
    nameRule: "subdomain",
    table: serviceAccountTable,
  },
  {
    id: { group: "", resource: "events" },
    version: "v1",
    kind: "Event",
    singular: "event",
    shortNames: ["ev"],
    namespaced: true,
    type: "CoreV1Event",
    nameRule: "subdomain",
    selectableFields: { names: eventFieldNames, of: eventFields },
    table: eventTable,
  },
];

type Event = KubeObject & {
  involvedObject?: Record<string, string>;
  source?: { component?: string };
  reason?: string;
  reportingComponent?: string;
  type?: string;
};

function eventFields(object: KubeObject): Record<string, string> {
  const { involvedObject = {}, source, reason, reportingComponent, type } = object as Event;
  const fields = Object.entries(involvedObject).map(([key, value]) => [`involvedObject.${key}`, value]);
  return {
    ...Object.fromEntries(fields),
    reason: reason ?? "",
    reportingComponent: reportingComponent ?? "",
    source: source?.component ?? reportingComponent ?? "",
    type: type ?? "",
  };
}

/** Of all values together, as they are when they are decoded. */
const longestData = 1024 * 1024;

type Data = { data?: Record<string, string>; binaryData?: Record<string, string>; stringData?: Record<string, string> };

/** stringData is for writing only: it ends up in data. */
function takeStringData(object: KubeObject): void {
  const secret = object as KubeObject & Data;
  secret.type ??= "Opaque";
  if (!secret.stringData) return;
  const encoded = Object.entries(secret.stringData).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
  delete secret.stringData;
}

function validateKeys(object: KubeObject, errors: FieldErrors): void {
  const { data = {}, binaryData = {} } = object as KubeObject & Data;
  const dataIsEncoded = object.kind === "Secret";
  let size = 0;
  for (const value of Object.values(data)) size += Buffer.byteLength(value, dataIsEncoded ? "base64" : "utf8");
  for (const value of Object.values(binaryData)) size += Buffer.byteLength(value, "base64");
  for (const key of [...Object.keys(data), ...Object.keys(binaryData)]) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === "." || key === "..") {
      const rule =
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
      errors.invalid(`${Object.hasOwn(data, key) ? "data" : "binaryData"}[${key}]`, key, rule);
    }
  }
  for (const key of Object.keys(binaryData)) {
    if (Object.hasOwn(data, key)) errors.invalid(`binaryData[${key}]`, key, "duplicate of key present in data");
  }
  if (size > longestData) errors.tooLong("data", longestData);
}

function validateImmutable(object: KubeObject, stored: KubeObject, errors: FieldErrors): void {
  if (stored.immutable !== true) return;
  if (object.immutable !== true) errors.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const field of ["data", "binaryData"]) {
    if (isDeepStrictEqual(object[field], stored[field])) continue;
    errors.forbidden(field, "field is immutable when `immutable` is set");
  }
}
