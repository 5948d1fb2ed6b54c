import { describe, expect, it } from "vitest";
import { FieldErrors } from "../../validation/field-errors.ts";
import { isReadablePath, valuesAt } from "./json-path.ts";
import { prune, type Schema, setSchemaDefaults } from "./schema.ts";
import { compileSchema } from "./schema-validator.ts";

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: "object", properties, ...more });

function problems(schema: Schema, value: unknown): string[] {
  const errors = new FieldErrors();
  compileSchema(schema)(value, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

describe("a schema of a custom resource", () => {
  it("prunes what it does not specify, and tells where it was", () => {
    const schema = object({ spec: object({ a: { type: "array", items: object({ b: { type: "string" } }) } }) });
    const unknown: string[] = [];
    const value = { kind: "Thing", metadata: { name: "x" }, spec: { a: [{ b: "1", c: 2 }], d: {} }, other: 1 };
    const kept = { kind: "Thing", metadata: { name: "x" }, spec: { a: [{ b: "1" }] } };
    expect(prune(schema, value, "", unknown)).toEqual(kept);
    expect(unknown).toEqual(["spec.a[0].c", "spec.d", "other"]);
  });

  it("keeps unknown fields where it is told to, and prunes below the known ones again", () => {
    const schema = object({ known: object({ a: { type: "string" } }) }, { "x-kubernetes-preserve-unknown-fields": true });
    expect(prune(object({ spec: schema }), { spec: { free: 1, known: { a: "", b: "" } } }, "", [])).toEqual({
      spec: { free: 1, known: { a: "" } },
    });
  });

  it("fills in defaults inside of defaults, of lists and of maps, and nothing on a prototype", () => {
    const item = object({ n: { type: "integer", default: 1 } });
    const schema = object({
      outer: object({ inner: { type: "string", default: "in" } }, { default: {} }),
      list: { type: "array", items: item },
      map: { type: "object", additionalProperties: item },
      absent: item,
    });
    Object.defineProperty(schema.properties, "__proto__", { value: item, enumerable: true });
    const value = { list: [{}], map: { a: {}, b: null } };
    setSchemaDefaults(schema, value);
    expect(value).toEqual({ outer: { inner: "in" }, list: [{ n: 1 }], map: { a: { n: 1 } } });
    expect(({} as { n?: number }).n).toBeUndefined();
  });

  it("tells of an alternative once, and of a property that is only called like one as of any other", () => {
    const alternatives = { type: "object", anyOf: [{ required: ["a"] }, { required: ["b"] }] };
    expect(problems(object({ spec: alternatives }), { spec: {} })).toEqual([
      'spec: Invalid value: "": "spec" must validate at least one schema (anyOf)',
    ]);
    const named = object({ not: { type: "string" }, anyOf: object({ a: { type: "integer" } }) });
    expect(problems(named, { not: 1, anyOf: { a: "x" } })).toHaveLength(2);
  });

  it("asks for the type of an embedded resource", () => {
    const template = { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true };
    expect(problems(object({ template }), { template: { kind: "Pod" } })).toEqual([
      "template.apiVersion: Required value: must not be empty",
    ]);
  });

  it.each([
    ["cidr", "10.0.0.0/8", "10.0.0.0/33"],
    ["ipv6", "::1", "127.0.0.1"],
    ["duration", "1h30m", "1y"],
    ["date-time", "2026-01-02T03:04:05Z", "2026-01-02"],
    ["uuid", "123e4567-e89b-12d3-a456-426614174000", "123"],
  ])("checks the format %s", (format, good, bad) => {
    const schema = object({ at: { type: "string", format } });
    expect(problems(schema, { at: good })).toEqual([]);
    expect(problems(schema, { at: bad })).toEqual([
      `at: Invalid value: "${bad}": at in body must be of type ${format}: "${bad}"`,
    ]);
  });
});

describe("the path of a column", () => {
  const value = {
    spec: {
      "a.b": 1,
      list: [
        { type: "Ready", status: "True" },
        { type: "Old", status: "False" },
      ],
    },
  };

  it.each([
    [".spec.list[0].type", ["Ready"]],
    [".spec.list[*].type", ["Ready", "Old"]],
    ['.spec.list[?(@.type=="Old")].status', ["False"]],
    [".spec['a.b']", [1]],
    [".spec.nothing.more", []],
  ])("%s", (path, found) => {
    expect(isReadablePath(path)).toBe(true);
    expect(valuesAt(path, value)).toEqual(found);
  });

  it("is not readable with steps that are not followed", () => {
    expect([".spec[0:2]", "..name", ""].map(isReadablePath)).toEqual([false, false, false]);
  });
});
