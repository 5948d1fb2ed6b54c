import { builtInResources } from "#services/cluster/resources/catalogue.ts";
import { apiVersionOf, type ResourceDefinition } from "#services/cluster/resources/definition.ts";
import { oddity, plausible, spoil } from "./objects.ts";
import type { Random } from "./random.ts";
import { seeds } from "./seeds.ts";

export type FuzzRequest = { method: string; path: string; headers: Record<string, string>; body?: Buffer };

const common = ["GET", "GET", "POST", "POST", "POST", "PUT", "PUT", "PATCH", "PATCH", "PATCH"];
const methods = [...common, ...common, "DELETE", "HEAD", "OPTIONS", "TRACE"];
const namespaces = [...Array.from({ length: 12 }, () => "default"), "kube-system", "no-such", "%2e%2e", "a%00b"];
const subresources = [
  "status",
  "scale",
  "log",
  "exec",
  "attach",
  "binding",
  "eviction",
  "token",
  "finalize",
  "portforward",
  "proxy",
  "x",
];
const plainPaths = [
  "/",
  "/api",
  "/apis",
  "/api/v1",
  "/apis/apps",
  "/apis/apps/v1",
  "/apis/x/v1",
  "/version",
  "/healthz",
  "/livez",
  "/readyz",
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
  "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
  "/apis/authorization.k8s.io/v1/subjectaccessreviews",
  "/apis/authentication.k8s.io/v1/tokenreviews",
  "/apis/authentication.k8s.io/v1/selfsubjectreviews",
  "/apis/metrics.k8s.io/v1beta1/nodes",
  "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/a",
  "//api//v1//pods",
  "/api/v1/namespaces//pods",
  "/api/v1/%",
  "/api/v1/%ff%fe",
  "/apis/__proto__/v1/constructor",
  "/api/v1/__proto__",
  "/api/v1/pods/..%2f..%2f",
  `/api/v1/${"a".repeat(4000)}`,
  "/api/v1/namespaces/default/pods/a/b/c/d/e",
];
const queries: Record<string, readonly string[]> = {
  limit: ["1", "0", "-1", "x", "999999999999999999999", "1.5", ""],
  continue: ["x", "e30", "eyJyZXZpc2lvbiI6MX0", Buffer.from('{"revision":1e400,"after":"a"}').toString("base64url"), "%00"],
  resourceVersion: ["0", "1", "x", "-1", "99999999999", "1e5", "18446744073709551616", ""],
  resourceVersionMatch: ["Exact", "NotOlderThan", "x", ""],
  labelSelector: ["a=b", "a in (b,", "!!a", "a>x", "(", "a in ()", "=", ",", "a=".repeat(500), "%ff", "é=b", "__proto__=x"],
  fieldSelector: ["metadata.name=a", "spec.nodeName=a", "x=y", "a", "=", "\\", "metadata.name!=a,b", "status.phase==Running,"],
  watch: ["true", "1", "false", "x", ""],
  allowWatchBookmarks: ["true", "x"],
  sendInitialEvents: ["true", "false", "x"],
  timeoutSeconds: ["1", "0", "-1", "x", "99999999999999999"],
  dryRun: ["All", "all", "x", ""],
  fieldValidation: ["Strict", "Warn", "Ignore", "x"],
  fieldManager: ["kubectl", "a".repeat(300), "\u0000"],
  force: ["true", "x"],
  gracePeriodSeconds: ["0", "-1", "x", "1e9", "99999999999999"],
  propagationPolicy: ["Background", "Foreground", "Orphan", "x"],
  orphanDependents: ["true", "x"],
  pretty: ["true", "x"],
  includeObject: ["None", "Metadata", "Object", "x"],
  container: ["a", "", "../x"],
  command: ["sh", ""],
  stdin: ["true", "x"],
  tailLines: ["-1", "x", "5", "1e9"],
  sinceSeconds: ["-1", "x", "5"],
  sinceTime: ["x", "2026-01-01T00:00:00Z"],
  previous: ["true", "x"],
  follow: ["x", "false"],
  limitBytes: ["0", "-1", "x"],
};
const accepts = [
  "application/json",
  "application/yaml",
  "*/*",
  "text/html",
  "application/vnd.kubernetes.protobuf",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v9;g=meta.k8s.io, application/json",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
  "application/json;q=x;=;;",
  ",,,;;;===",
  "",
];
const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "application/json; charset=x",
  ";;",
  "",
];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/json",
];

/** Any request: of a real kind and path most of the time, with something wrong in one or several places. */
export function fuzzRequest(random: Random): FuzzRequest {
  const definition = random.pick(builtInResources);
  const method = random.pick(methods);
  const path = `${pathOf(random, definition, method)}${queryOf(random)}`;
  const headers: Record<string, string> = {};
  if (random.chance(0.4)) headers.accept = random.pick(accepts);
  if (random.chance(0.03)) headers["content-encoding"] = random.pick(["gzip", "br", "x"]);
  if (random.chance(0.02)) headers["x-odd"] = "a".repeat(random.below(20_000));
  if (random.chance(0.02)) headers["impersonate-user"] = "somebody";
  if (random.chance(0.02)) headers.upgrade = "websocket";
  if (method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "TRACE") return { method, path, headers };
  const isPatch = method === "PATCH";
  headers["content-type"] = random.chance(0.8)
    ? isPatch
      ? random.pick(patchTypes)
      : random.pick(bodyTypes.slice(0, 3))
    : random.pick([...bodyTypes, ...patchTypes]);
  const body = isPatch
    ? patchBody(random, definition, headers["content-type"])
    : objectBody(random, definition, headers["content-type"]);
  return { method, path, headers, body };
}

const names = [...Array.from({ length: 8 }, () => "a"), "b", "web-1", "node-1"];

function pathOf(random: Random, definition: ResourceDefinition, method: string): string {
  if (random.chance(0.04)) return random.pick(plainPaths);
  const { id, version, namespaced } = definition;
  const root = id.group ? `/apis/${id.group}/${version}` : `/api/${version}`;
  const scope = namespaced !== random.chance(0.03) ? `/namespaces/${random.pick(namespaces)}` : "";
  const collection = `${root}${scope}/${id.resource}`;
  if (method === "POST" && random.chance(0.9)) return collection;
  if (random.chance(method === "GET" || method === "DELETE" ? 0.3 : 0.02)) return collection;
  const strange = () =>
    encodeURIComponent(
      String(oddity(random))
        .slice(0, 300)
        .replace(/[\ud800-\udfff]/g, "?"),
    );
  const name = random.chance(0.95) ? nameOf(random, definition) : strange();
  return `${collection}/${name}${random.chance(0.12) ? `/${random.pick(subresources)}` : ""}`;
}

function queryOf(random: Random): string {
  if (random.chance(0.5)) return "";
  const count = 1 + random.below(4);
  const pairs = Array.from({ length: count }, () => {
    const name = random.pick(Object.keys(queries));
    const value = random.pick(queries[name] ?? [""]);
    return `${name}=${random.chance(0.9) ? encodeURIComponent(value) : encodeURI(value)}`;
  });
  return `?${pairs.join("&").replaceAll("%25ff", "%ff")}`;
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

export function nameOf(random: Random, { id }: ResourceDefinition): string {
  return id.resource === "customresourcedefinitions" ? "things.fuzz.example.com" : random.pick(names);
}

/** One good object of each kind, so that the malformed requests find something. */
export function seedRequests(): FuzzRequest[] {
  return builtInResources.map((definition) => {
    const { id, version, namespaced, kind } = definition;
    const root = id.group ? `/apis/${id.group}/${version}` : `/api/${version}`;
    const seed = seeds[id.resource] ?? {};
    const name = id.resource === "customresourcedefinitions" ? "things.fuzz.example.com" : "a";
    const object = { apiVersion: apiVersionOf(definition), kind, ...seed, metadata: { ...(seed.metadata as object), name } };
    const path = `${root}${namespaced ? "/namespaces/default" : ""}/${id.resource}`;
    return { method: "POST", path, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(object)) };
  });
}

function objectBody(random: Random, definition: ResourceDefinition, contentType: string): Buffer {
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

function patchBody(random: Random, definition: ResourceDefinition, contentType: string): Buffer {
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
