import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type KubeObject, type NewObject, type ResourceId, resources } from "../api.ts";
import { Store } from "../store/store.ts";
import { Registry } from "./registry.ts";

let directory: string;
let store: Store;
let registry: Registry;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-registry-"));
  store = await Store.open({ directory, logger: createLogger("test", "silent"), onFailure: () => {} });
  registry = new Registry({ store });
  await create(resources.namespaces, "default");
});

afterAll(async () => {
  await store?.close();
  await rm(directory, { recursive: true, force: true });
});

const kinds: Record<string, string> = {
  namespaces: "Namespace",
  configmaps: "ConfigMap",
  secrets: "Secret",
  services: "Service",
};

function create(id: ResourceId, name: string, fields: Partial<NewObject<KubeObject>> = {}): Promise<KubeObject> {
  const metadata = { name, ...(id.resource === "namespaces" ? {} : { namespace: "default" }), ...fields.metadata };
  return registry.create(id, { apiVersion: "v1", kind: kinds[id.resource] ?? "", ...fields, metadata });
}

describe("a namespace", () => {
  it("stays held until it is empty when it is replaced by a manifest without a spec", async () => {
    const { apiVersion, kind, metadata } = await create(resources.namespaces, "held");
    const replaced = await registry.update<KubeObject>(resources.namespaces, { apiVersion, kind, metadata });
    expect(replaced.spec).toEqual({ finalizers: ["kubernetes"] });
    const { isGone } = await registry.remove(resources.namespaces, "", "held");
    expect(isGone).toBe(false);
  });
});

describe("the namespaces of every cluster", () => {
  it.each(["default", "kube-system", "kube-public"])("keep %s", async (name) => {
    if (name !== "default") await create(resources.namespaces, name);
    await expect(registry.remove(resources.namespaces, "", name)).rejects.toThrow(
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    );
  });
});

describe("an object that is being deleted", () => {
  it("may lose its finalizers, and gets no new ones", async () => {
    const { metadata } = await create(resources.configMaps, "leaving", { metadata: { finalizers: ["a.example/b"] } });
    await registry.remove(resources.configMaps, "default", "leaving");
    const withFinalizers = (finalizers: string[]) =>
      registry.update<KubeObject>(resources.configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { ...metadata, resourceVersion: "", finalizers },
      });
    await expect(withFinalizers(["a.example/b", "a.example/c"])).rejects.toThrow(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.example/c"}',
    );
    await withFinalizers([]);
    expect(registry.get(resources.configMaps, "default", "leaving")).toBeUndefined();
  });
});

describe("data", () => {
  const value = (bytes: number) => Buffer.alloc(bytes, "x").toString("base64");

  it.each(["configmaps", "secrets"])("of %s may be 1 MiB when it is decoded, and no more", async (resource) => {
    const id = { group: "", resource };
    const field = resource === "secrets" ? "data" : "binaryData";
    await create(id, "full", { [field]: { a: value(1_000_000), b: value(48_576) } });
    await expect(create(id, "too-full", { [field]: { a: value(1_000_000), b: value(48_577) } })).rejects.toThrow(
      "is invalid: data: Too long: may not be more than 1048576 bytes",
    );
  });
});

describe("an immutable ConfigMap", () => {
  it.each(["data", "binaryData"])("keeps its %s", async (field) => {
    const name = `fixed-${field.toLowerCase()}`;
    const stored = await create(resources.configMaps, name, { immutable: true, [field]: { key: "aGk=" } });
    await expect(registry.update(resources.configMaps, { ...stored, [field]: { key: "aGo=" } })).rejects.toThrow(
      `ConfigMap "${name}" is invalid: ${field}: Forbidden: field is immutable when \`immutable\` is set`,
    );
  });
});

describe("a Service", () => {
  it("of type ExternalName gets no address afterwards", async () => {
    const ports = [{ port: 80 }];
    const stored = await create(resources.services, "outside", {
      spec: { type: "ExternalName", externalName: "a.example", ports },
    });
    await expect(registry.update(resources.services, { ...stored, spec: { type: "ClusterIP", ports } })).rejects.toThrow(
      /spec\.type: Forbidden/,
    );
  });
});
