import {
  ApiException,
  ApiextensionsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  PatchStrategy,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  type V1CustomResourceDefinition,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gadget, gadgets, looseKind } from "./custom-kinds.ts";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";

type Status = { code: number; reason: string; message: string; details?: { causes?: { field: string; reason: string }[] } };

let cluster: TestCluster;
let core: CoreV1Api;
let extensions: ApiextensionsV1Api;
let custom: CustomObjectsApi;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  extensions = cluster.config.makeApiClient(ApiextensionsV1Api);
  custom = cluster.config.makeApiClient(CustomObjectsApi);
});

afterAll(() => cluster?.stop());

const conditionsOf = ({ status }: V1CustomResourceDefinition) =>
  Object.fromEntries((status?.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]));

/** The library's models have names of their own for x-kubernetes-list-type, default and enum. */
function asModel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asModel);
  if (typeof value !== "object" || value === null) return value;
  const rename = (key: string) =>
    key.startsWith("x-kubernetes-") ? key.replaceAll("-", "_") : key === "default" || key === "enum" ? `_${key}` : key;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), asModel(inner)]));
}

async function statusOf(promise: Promise<unknown>): Promise<Status> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiException)) throw new Error("the call succeeded");
  return JSON.parse(String(error.body)) as Status;
}

describe("the client library with custom resources", () => {
  const group = "library.example.com";
  const namespace = "custom-library";
  const of = { group, version: "v1", plural: "gadgets", namespace };
  const gadget = (name: string, spec: object, metadata: object = {}): Gadget => ({
    apiVersion: `${group}/v1`,
    kind: "Gadget",
    metadata: { name, ...metadata },
    spec: { ...spec },
  });
  const create = async (name: string, spec: object = { size: "small" }, metadata: object = {}) =>
    (await custom.createNamespacedCustomObject({ ...of, body: gadget(name, spec, metadata) })) as Gadget;
  const read = async (name: string) => (await custom.getNamespacedCustomObject({ ...of, name })) as Gadget;
  const list = async (query: object = {}) =>
    (await custom.listNamespacedCustomObject({ ...of, ...query })) as {
      kind: string;
      items: Gadget[];
      metadata: { continue?: string };
    };
  const define = async (crd: V1CustomResourceDefinition) => {
    await extensions.createCustomResourceDefinition({ body: asModel(crd) as V1CustomResourceDefinition });
    return extensions.readCustomResourceDefinition({ name: crd.metadata?.name ?? "" });
  };

  beforeAll(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    await define(gadgets(group));
  });

  it("sees a definition accepted and established, with its names and stored versions", async () => {
    const crd = await extensions.readCustomResourceDefinition({ name: `gadgets.${group}` });
    expect(conditionsOf(crd)).toEqual({ NamesAccepted: "True NoConflicts", Established: "True InitialNamesAccepted" });
    expect(crd.status?.acceptedNames).toMatchObject({ plural: "gadgets", kind: "Gadget", listKind: "GadgetList" });
    expect(crd.status?.storedVersions).toEqual(["v1"]);
  });

  it("finds the subresources of the kind in discovery", async () => {
    const { resources } = (await custom.getAPIResources({ group, version: "v1" })) as {
      resources: { name: string; kind: string }[];
    };
    expect(resources.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "gadgets Gadget",
      "gadgets/scale Scale",
      "gadgets/status Gadget",
    ]);
  });

  it("creates, lists by label and page, replaces and deletes", async () => {
    for (const name of ["a", "b", "c"]) await create(name, { size: "small" }, { labels: { set: "list" } });
    const page = await list({ labelSelector: "set=list", limit: 2 });
    expect(page.kind).toBe("GadgetList");
    expect(page.items.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    const rest = await list({ labelSelector: "set=list", limit: 2, _continue: page.metadata.continue });
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
    const stored = await read("a");
    const body = { ...stored, spec: { size: "large" } };
    const replaced = (await custom.replaceNamespacedCustomObject({ ...of, name: "a", body })) as Gadget;
    expect(replaced.metadata.generation).toBe(2);
    const stale = await statusOf(custom.replaceNamespacedCustomObject({ ...of, name: "a", body }));
    expect(stale).toMatchObject({ code: 409, reason: "Conflict" });
    await custom.deleteNamespacedCustomObject({ ...of, name: "a" });
    expect(await statusOf(read("a"))).toMatchObject({ code: 404, message: `gadgets.${group} "a" not found` });
  });

  it("keeps status apart: dropped by create and replace, alone in a write of status", async () => {
    const body = { ...gadget("apart", { size: "small" }), status: { phase: "Nonsense" } };
    const created = (await custom.createNamespacedCustomObject({ ...of, body })) as Gadget;
    expect(created.status).toBeUndefined();
    const changed = { ...created, spec: { size: "large" }, status: { phase: "Ready" } };
    const after = (await custom.replaceNamespacedCustomObjectStatus({ ...of, name: "apart", body: changed })) as Gadget;
    expect(after).toMatchObject({ spec: { size: "small" }, status: { phase: "Ready" }, metadata: { generation: 1 } });
    const again = (await custom.replaceNamespacedCustomObject({
      ...of,
      name: "apart",
      body: { ...after, spec: { size: "large" }, status: { phase: "Broken" } },
    })) as Gadget;
    expect(again).toMatchObject({ spec: { size: "large" }, status: { phase: "Ready" }, metadata: { generation: 2 } });
    const wrong = { ...again, status: { phase: "Nonsense" } };
    const refused = await statusOf(custom.replaceNamespacedCustomObjectStatus({ ...of, name: "apart", body: wrong }));
    expect(refused).toMatchObject({
      code: 422,
      details: { causes: [{ field: "status.phase", reason: "FieldValueNotSupported" }] },
    });
  });

  it("reads and writes the scale by the definition's paths", async () => {
    await create("sized", { size: "small", replicas: 2 });
    const body = [{ op: "add", path: "/status", value: { replicas: 2, selector: "app=sized" } }];
    const json = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
    await custom.patchNamespacedCustomObjectStatus({ ...of, name: "sized", body }, json);
    const scale = (await custom.getNamespacedCustomObjectScale({ ...of, name: "sized" })) as Gadget;
    expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 2 }, status: { replicas: 2, selector: "app=sized" } });
    await custom.replaceNamespacedCustomObjectScale({ ...of, name: "sized", body: { ...scale, spec: { replicas: 7 } } });
    expect((await read("sized")).spec.replicas).toBe(7);
  });

  it("is refused a strategic merge patch with 415", async () => {
    await create("strategic");
    const header = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
    const call = custom.patchNamespacedCustomObject({ ...of, name: "strategic", body: { spec: { replicas: 2 } } }, header);
    expect(await statusOf(call)).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
  });

  it("is told of unknown fields by fieldValidation=Strict", async () => {
    const body = gadget("strict", { size: "small", colour: "red", ports: [{ name: "a", port: 1, extra: true }] });
    expect(await statusOf(custom.createNamespacedCustomObject({ ...of, body, fieldValidation: "Strict" }))).toMatchObject({
      code: 400,
      message: expect.stringContaining('strict decoding error: unknown field "spec.colour", unknown field "spec.ports[0].extra"'),
    });
  });

  it("watches each version as that version shows it", async () => {
    const events: string[] = [];
    const take = (type: string, { apiVersion, metadata, spec }: Gadget) =>
      void events.push(`${type} ${apiVersion} ${metadata.name} ${Object.keys(spec)}`);
    const path = `/apis/${group}/v1beta1/namespaces/${namespace}/gadgets`;
    const query = { fieldSelector: "metadata.name=watched" };
    const stream = await new Watch(cluster.config).watch(path, query, take, () => {});
    await create("watched", { size: "small", title: "abc" });
    await custom.deleteNamespacedCustomObject({ ...of, name: "watched" });
    await eventually(async () => events.length >= 2, "both events");
    stream.abort();
    expect(events.map((event) => event.replace(/size,replicas|replicas,size/, "fields"))).toEqual([
      `ADDED ${group}/v1beta1 watched fields`,
      `DELETED ${group}/v1beta1 watched fields`,
    ]);
  });

  it("deletes with a custom owner what it owns, custom or not", async () => {
    const owner = await create("owner");
    const { uid = "" } = owner.metadata;
    const ownerReferences = [{ apiVersion: `${group}/v1beta1`, kind: "Gadget", name: "owner", uid }];
    await create("owned", { size: "small" }, { ownerReferences });
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "owned", ownerReferences } } });
    await custom.deleteNamespacedCustomObject({ ...of, name: "owner" });
    const isGone = async () => {
      const { items } = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=owned" });
      return items.length === 0 && (await list({ fieldSelector: "metadata.name=owned" })).items.length === 0;
    };
    await eventually(isGone, "what was owned is gone");
  });

  it("does not get names that another kind of the group has, until that one is gone", async () => {
    const names = { shortNames: ["rv"] };
    await define(looseKind("names.example.com", "rivals", "Rival", names));
    const late = await define(looseKind("names.example.com", "seconds", "Second", names));
    expect(conditionsOf(late)).toEqual({ NamesAccepted: "False ShortNamesConflict", Established: "False NotAccepted" });
    const messages = (late.status?.conditions ?? []).map(({ message }) => message);
    expect(messages).toContain('"rv" is already in use');
    const path = { group: "names.example.com", version: "v1", plural: "seconds", namespace };
    await expect(custom.listNamespacedCustomObject(path)).rejects.toMatchObject({ code: 404 });
    await extensions.deleteCustomResourceDefinition({ name: "rivals.names.example.com" });
    const accepted = async () => {
      const crd = await extensions.readCustomResourceDefinition({ name: "seconds.names.example.com" });
      return conditionsOf(crd).Established === "True InitialNamesAccepted";
    };
    await eventually(accepted, "the names are free");
    await expect(custom.listNamespacedCustomObject(path)).resolves.toMatchObject({ items: [] });
  });

  it("may create nothing of a kind that is being deleted, which waits for its objects' finalizers", async () => {
    const path = { group: "held.example.com", version: "v1", plural: "helds", namespace };
    await define(looseKind("held.example.com", "helds", "Held"));
    const body = (name: string, finalizers: string[] = []) => ({
      apiVersion: "held.example.com/v1",
      kind: "Held",
      metadata: { name, finalizers },
    });
    await custom.createNamespacedCustomObject({ ...path, body: body("one", ["example.com/hold"]) });
    let watchEnded = false;
    await new Watch(cluster.config).watch(
      `/apis/held.example.com/v1/helds`,
      {},
      () => {},
      () => {
        watchEnded = true;
      },
    );
    await extensions.deleteCustomResourceDefinition({ name: "helds.held.example.com" });
    const terminating = async () => {
      const crd = await extensions.readCustomResourceDefinition({ name: "helds.held.example.com" });
      return conditionsOf(crd).Terminating === "True InstanceDeletionInProgress";
    };
    await eventually(terminating, "the condition Terminating");
    expect(await statusOf(custom.createNamespacedCustomObject({ ...path, body: body("two") }))).toMatchObject({
      code: 405,
      message: "create not allowed while custom resource definition is terminating",
    });
    const patch = [{ op: "remove", path: "/metadata/finalizers" }];
    const json = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
    await custom.patchNamespacedCustomObject({ ...path, name: "one", body: patch }, json);
    const isGone = async () =>
      (await extensions.listCustomResourceDefinition()).items.every(({ spec }) => spec.group !== path.group);
    await eventually(isGone, "the definition is gone");
    await eventually(async () => watchEnded, "the end of the watch");
    await expect(custom.listNamespacedCustomObject(path)).rejects.toMatchObject({ code: 404 });
  });

  it("sees a new default and a new column at once, also for objects that were there", async () => {
    const path = { group: "grown.example.com", version: "v1", plural: "growns", namespace };
    await define(looseKind("grown.example.com", "growns", "Grown"));
    const body = { apiVersion: "grown.example.com/v1", kind: "Grown", metadata: { name: "early" }, spec: {} };
    await custom.createNamespacedCustomObject({ ...path, body });
    const crd = await extensions.readCustomResourceDefinition({ name: "growns.grown.example.com" });
    const [version] = crd.spec.versions;
    const spec = { type: "object", default: {}, properties: { level: { type: "integer", default: 3 } } };
    const schema = { openAPIV3Schema: { type: "object", properties: { spec } } };
    if (version) version.schema = asModel(schema) as typeof version.schema;
    await extensions.replaceCustomResourceDefinition({ name: "growns.grown.example.com", body: crd });
    expect(await custom.getNamespacedCustomObject({ ...path, name: "early" })).toMatchObject({ spec: { level: 3 } });
  });

  it("sees a definition established again whose conditions were taken away", async () => {
    const name = "agains.again.example.com";
    const crd = await define(looseKind("again.example.com", "agains", "Again"));
    const bare = { ...crd, status: { ...crd.status, conditions: [], acceptedNames: { plural: "", kind: "" } } };
    await extensions.replaceCustomResourceDefinitionStatus({ name, body: bare });
    const conditions = async () => conditionsOf(await extensions.readCustomResourceDefinition({ name }));
    await eventually(async () => (await conditions()).Established === "True InitialNamesAccepted", "the conditions");
  });

  it("of a cluster-wide kind has no namespace, and answers 404 below one", async () => {
    const crd = looseKind("wide.example.com", "wides", "Wide");
    crd.spec.scope = "Cluster";
    await define(crd);
    const path = { group: "wide.example.com", version: "v1", plural: "wides" };
    const body = { apiVersion: "wide.example.com/v1", kind: "Wide", metadata: { name: "one" }, spec: {} };
    const created = (await custom.createClusterCustomObject({ ...path, body })) as Gadget;
    expect(created.metadata).not.toHaveProperty("namespace");
    await expect(custom.getNamespacedCustomObject({ ...path, namespace, name: "one" })).rejects.toMatchObject({ code: 404 });
    await custom.deleteClusterCustomObject({ ...path, name: "one" });
  });

  it("loses its objects with their namespace", async () => {
    const passing = { ...of, namespace: "custom-passing" };
    await core.createNamespace({ body: { metadata: { name: passing.namespace } } });
    await custom.createNamespacedCustomObject({ ...passing, body: gadget("inside", { size: "small" }) });
    await core.deleteNamespace({ name: passing.namespace });
    const isGone = async () =>
      (await core.listNamespace({ fieldSelector: `metadata.name=${passing.namespace}` })).items.length === 0;
    await eventually(isGone, "the namespace is gone");
    await expect(custom.getNamespacedCustomObject({ ...passing, name: "inside" })).rejects.toMatchObject({ code: 404 });
  });

  it("is allowed to an account what a Role grants for the custom group, and nothing more", async () => {
    const rbac = cluster.config.makeApiClient(RbacAuthorizationV1Api);
    const rules = [{ apiGroups: [group], resources: ["gadgets"], verbs: ["get", "list"] }];
    await rbac.createNamespacedRole({ namespace, body: { metadata: { name: "reader" }, rules } });
    const subjects = [{ kind: "ServiceAccount", name: "default", namespace }];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
    await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: "reader" }, subjects, roleRef } });
    const review = cluster.config.makeApiClient(AuthorizationV1Api);
    const may = async (verb: string, subresource?: string) => {
      const resourceAttributes = { group, resource: "gadgets", verb, namespace, subresource };
      const spec = { user: `system:serviceaccount:${namespace}:default`, resourceAttributes };
      return (await review.createSubjectAccessReview({ body: { spec } })).status?.allowed;
    };
    expect([await may("list"), await may("delete"), await may("get", "scale")]).toEqual([true, false, false]);
  });

  it("is refused conversion by a webhook, which this cluster does not have", async () => {
    const crd = looseKind("hooks.example.com", "hooks", "Hook");
    crd.spec.conversion = { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } };
    expect(await statusOf(define(crd))).toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"'),
    });
  });

  it("has definitions and objects again after the server was killed", async () => {
    const before = await create("survivor", { size: "large", title: "abc" });
    await cluster.restart("SIGKILL");
    expect(await read("survivor")).toEqual(before);
    const crd = await extensions.readCustomResourceDefinition({ name: `gadgets.${group}` });
    expect(conditionsOf(crd).Established).toBe("True InitialNamesAccepted");
    expect(await statusOf(create("late", { size: "huge" }))).toMatchObject({ code: 422 });
    expect(cluster.errors).toEqual([]);
  });
});
