import { apiVersionOf, type ResourceDefinition } from "#services/cluster/resources/definition.ts";
import { oddity, plausible, spoil } from "./objects.ts";
import type { Random } from "./random.ts";
import { seeds } from "./seeds.ts";

const names = [...Array.from({ length: 8 }, () => "a"), "b", "web-1", "node-1"];

export function nameOf(random: Random, { id }: ResourceDefinition): string {
  return id.resource === "customresourcedefinitions" ? "things.fuzz.example.com" : random.pick(names);
}

/** Half of the objects are good ones with a few more fields; the others have any field that the kind knows. */
function objectOf(random: Random, definition: ResourceDefinition): Record<string, unknown> {
  const seed = seeds[definition.id.resource] ?? {};
  const any = plausible(random, definition.type) as Record<string, unknown>;
  const object = random.chance(0.5)
    ? (structuredClone(seed) as Record<string, unknown>)
    : random.chance(0.3)
      ? any
      : overlay(random, seed, any);
  const metadata = { ...(any.metadata as object), ...(object.metadata as object), name: nameOf(random, definition) } as Record<
    string,
    unknown
  >;
  for (const field of ["namespace", "deletionTimestamp", "resourceVersion", "uid", "finalizers"]) delete metadata[field];
  return { ...object, apiVersion: apiVersionOf(definition), kind: definition.kind, metadata };
}

/** The good object, with some of the fields of the other one where it has none. */
function overlay(random: Random, good: Record<string, unknown>, other: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...good };
  for (const [key, value] of Object.entries(other)) {
    const own = merged[key];
    if (own === undefined && random.chance(0.3)) merged[key] = value;
    else if (isTree(own) && isTree(value)) merged[key] = overlay(random, own, value);
  }
  return merged;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A body for POST and PUT. */
export function objectBody(random: Random, definition: ResourceDefinition, contentType: string): Buffer {
  if (contentType.includes("protobuf")) return protobufBody(random);
  const object = spoil(random, objectOf(random, definition), random.pick([0, 1, 1, 1, 2, 4]));
  const text = JSON.stringify(random.chance(0.03) ? oddity(random) : object);
  if (random.chance(0.85)) return Buffer.from(text);
  return brokenText(random, text, contentType.includes("yaml"));
}

function brokenText(random: Random, text: string, isYaml: boolean): Buffer {
  const broken: (() => string | Buffer)[] = [
    () => text.slice(0, random.below(text.length)),
    () => Buffer.concat([Buffer.from(text.slice(0, 20)), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), Buffer.from(text.slice(20))]),
    () => "[".repeat(50_000),
    () => `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    () => `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
    () => text.replace(/:(\d+)/, ":1e999"),
    () => text.replace(/:(\d+)/, ":123456789012345678901234567890"),
    () => `{"metadata":{"name":"a","name":"b"},"metadata":null,${text.slice(1)}`,
    () => "",
    () => "null",
    () => '"text"',
    () => "\ufeff{}",
    () => random.bytes(random.below(400)),
    () => "x".repeat(3 * 1024 * 1024 + 1),
  ];
  const yaml: (() => string)[] = [
    () => "a: &a [x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n",
    () =>
      `${Array.from({ length: 30 }, (_, index) => `a${index}: &a${index} [${index ? `*a${index - 1},*a${index - 1}` : "x"}]`).join("\n")}\n`,
    () => "a: !!binary |\n  zzzz\nb: !!set {x}\n? [complex, key]\n: v\n",
    () => "<<: {metadata: {name: a}}\nmetadata: !!timestamp 2026-01-01\n",
    () => "---\nkind: Pod\n---\nkind: Pod\n",
    () => "a: *a\n",
    () => "&a a: *a\n",
    () => `${" ".repeat(200)}- x\n\t- y`,
    () => "metadata:\n  name: 1\n  labels: {true: yes, 1: 2, null: ~}\n",
  ];
  return Buffer.from(random.pick(isYaml ? [...broken, ...yaml, ...yaml] : broken)());
}

function protobufBody(random: Random): Buffer {
  const magic = Buffer.from("k8s\0", "latin1");
  const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length & 127]), bytes]);
  const inner = (depth: number): Buffer =>
    depth === 0
      ? random.bytes(random.below(30))
      : Buffer.concat([field(1 + random.below(5), inner(depth - 1)), random.bytes(random.below(3))]);
  const type = Buffer.concat([field(1, Buffer.from("v1")), field(2, Buffer.from("Pod"))]);
  return random.pick([
    () => random.bytes(random.below(200)),
    () => magic,
    () => Buffer.concat([magic, random.bytes(random.below(200))]),
    () => Buffer.concat([magic, field(1, type), field(2, inner(3))]),
    () => Buffer.concat([magic, field(1, type), field(2, inner(1 + random.below(20)))]),
    () => Buffer.concat([magic, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])]),
    () => Buffer.concat([magic, Buffer.from("\x0b".repeat(2000), "latin1")]),
  ])();
}

const pointers = [
  "",
  "/",
  "/metadata",
  "/metadata/name",
  "/metadata/labels/a~1b",
  "/metadata/uid",
  "/metadata/resourceVersion",
  "/spec",
  "/spec/replicas",
  "/spec/containers/0",
  "/spec/containers/-",
  "/spec/containers/99",
  "/spec/containers/x",
  "/spec/template/spec/containers/0/image",
  "/status/conditions/-1",
  "/__proto__/polluted",
  "/constructor/prototype/polluted",
  "/~2",
  "no-slash",
  "/data/k",
];

/** A body for PATCH. */
export function patchBody(random: Random, definition: ResourceDefinition, contentType: string): Buffer {
  if (random.chance(0.08)) return brokenText(random, JSON.stringify(objectOf(random, definition)), contentType.includes("yaml"));
  if (contentType === "application/json-patch+json" && random.chance(0.9)) {
    const operations = Array.from({ length: random.below(5) }, () => ({
      op: random.pick(["add", "remove", "replace", "move", "copy", "test", "x", null, 1]),
      path: random.chance(0.9) ? random.pick(pointers) : oddity(random),
      ...(random.chance(0.4) ? { from: random.chance(0.9) ? random.pick(pointers) : oddity(random) } : {}),
      ...(random.chance(0.8) ? { value: oddity(random) } : {}),
    }));
    return Buffer.from(JSON.stringify(random.chance(0.05) ? oddity(random) : operations));
  }
  const part = spoil(random, objectOf(random, definition), 1 + random.below(3)) as Record<string, unknown>;
  if (random.chance(0.7)) delete part.metadata;
  if (random.chance(0.5)) delete part.status;
  if (random.chance(0.3)) {
    const directive = random.pick([
      "$patch",
      "$retainKeys",
      "$setElementOrder/containers",
      "$deleteFromPrimitiveList/finalizers",
      "__proto__",
    ]);
    const place = random.pick([part, part.spec, part.metadata].filter((one) => typeof one === "object" && one !== null));
    const value = random.pick<unknown>(["delete", "replace", "merge", "x", ["a"], [{ name: "a" }], null, 1, {}]);
    if (place) Object.defineProperty(place, directive, { value, enumerable: true, configurable: true, writable: true });
  }
  return Buffer.from(JSON.stringify(part));
}
