import { builtInResources } from "#services/cluster/resources/catalogue.ts";
import { apiVersionOf, type ResourceDefinition } from "#services/cluster/resources/definition.ts";
import { nameOf, objectBody, patchBody } from "./bodies.ts";
import { oddity } from "./objects.ts";
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
