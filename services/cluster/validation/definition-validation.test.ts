import type { V1CustomResourceDefinition } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { validateDefinition, validateDefinitionUpdate } from "./definition-validation.ts";
import { FieldErrors } from "./field-errors.ts";

function definition(spec: object = {}, fields: object = {}): V1CustomResourceDefinition {
  return {
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
      versions: [version(spec)],
    },
    ...fields,
  };
}

function version(spec: object) {
  const schema = { openAPIV3Schema: { type: "object", properties: { spec } } };
  return { name: "v1", served: true, storage: true, schema };
}

function problems(crd: V1CustomResourceDefinition): string[] {
  const errors = new FieldErrors();
  validateDefinition(crd, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const schemaPath = "spec.versions[0].schema.openAPIV3Schema";

describe("the schema of a custom resource", () => {
  it.each<[string, object]>([
    ["with fields", { type: "object", required: ["size"], properties: { size: { type: "integer", minimum: 1 } } }],
    ["with alternatives", { type: "object", anyOf: [{ required: ["a"] }], properties: { a: { type: "string" } } }],
    ["that keeps what it does not know", { type: "object", "x-kubernetes-preserve-unknown-fields": true }],
    ["of a number or a name", { "x-kubernetes-int-or-string": true }],
  ])("may be one %s", (_, spec) => {
    expect(problems(definition(spec))).toEqual([]);
  });

  it("has types that there are", () => {
    expect(problems(definition({ type: "text" }))).toEqual([
      `${schemaPath}.properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ]);
  });

  it.each<[string, object]>([
    ["a negative length", { type: "string", minLength: -1 }],
    ["a step of zero", { type: "integer", multipleOf: 0 }],
    ["a broken pattern in an alternative", { type: "object", anyOf: [{ properties: { a: { pattern: "(" } } }] }],
  ])("is refused when no object could be checked against it: %s", (_, spec) => {
    expect(problems(definition(spec))).toEqual([
      expect.stringMatching(/^spec\.versions\[0\]\.schema\.openAPIV3Schema(\.[^:]+)?: Invalid value/),
    ]);
  });

  it("holds no rules that this cluster does not check", () => {
    const spec = { type: "object", "x-kubernetes-validations": [{ rule: "self.a > 1" }] };
    expect(problems(definition(spec))).toEqual([
      `${schemaPath}.properties[spec].x-kubernetes-validations: Forbidden: not supported by this cluster`,
    ]);
  });
});

describe("a custom resource definition", () => {
  it("is named after its plural and its group", () => {
    expect(problems(definition({ type: "object" }, { metadata: { name: "gadgets.example.com" } }))).toEqual([
      'metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group',
    ]);
  });

  it("keeps its scope, its names and the versions that were stored", () => {
    const stored = definition({ type: "object" }, { status: { storedVersions: ["v1"] } });
    const changed = definition({ type: "object" });
    const versions = [{ ...version({ type: "object" }), name: "v2" }];
    const errors = new FieldErrors();
    validateDefinitionUpdate({ ...changed, spec: { ...changed.spec, scope: "Cluster", versions } }, stored, errors);
    expect(errors.causes.map(({ field }) => field)).toEqual(["spec.scope", "status.storedVersions[0]"]);
  });
});
