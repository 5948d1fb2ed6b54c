import { describe, expect, it } from "vitest";
import { type KubeObject, type ResourceId, resources } from "../api.ts";
import { attributesOf } from "./attributes.ts";
import { checkNodeObject, checkNodeRequest } from "./node-restriction.ts";

const kubelet = { name: "system:node:one", groups: ["system:nodes", "system:authenticated"] };
const pods: Record<string, string> = { here: "one", there: "two" };
const spec = {
  nodeName: "one",
  containers: [{ name: "main", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "env-secret", key: "a" } } }] }],
  initContainers: [{ name: "first", envFrom: [{ configMapRef: { name: "init-map" } }] }],
  volumes: [
    { name: "a", secret: { secretName: "volume-secret" } },
    { name: "b", projected: { sources: [{ configMap: { name: "projected-map" } }] } },
    { name: "c", persistentVolumeClaim: { claimName: "data" } },
  ],
};
const elsewhere = { nodeName: "two", volumes: [{ name: "a", secret: { secretName: "foreign-secret" } }] };
const cluster = {
  list: () => [spec, elsewhere].map((one) => ({ metadata: { namespace: "a" }, spec: one })) as never,
  get: (id: ResourceId, _namespace: string, name: string) =>
    (id.resource === "persistentvolumeclaims"
      ? { spec: { volumeName: "pv-1" } }
      : pods[name]
        ? { spec: { nodeName: pods[name] } }
        : undefined) as never,
};

function refusal(method: string, path: string, user = kubelet): string {
  try {
    checkNodeRequest(user, attributesOf(method, new URL(path, "https://x")), cluster);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a kubelet", () => {
  it("writes its own Node and no other", () => {
    expect(refusal("PUT", "/api/v1/nodes/one/status")).toBe("");
    expect(refusal("GET", "/api/v1/nodes/two")).toBe("");
    expect(refusal("PUT", "/api/v1/nodes/two/status")).toBe(
      'nodes "two" is forbidden: node "one" is not allowed to modify node "two"',
    );
  });

  it("renews its own lease, in the namespace of leases", () => {
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    expect(refusal("PUT", `${leases}/one`)).toBe("");
    expect(refusal("PUT", `${leases}/two`)).toContain("can only access node lease with the same name");
    expect(refusal("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases")).toContain(
      '"kube-node-lease" system namespace',
    );
  });

  it("reports and ends the pods that are bound to it alone", () => {
    expect(refusal("PUT", "/api/v1/namespaces/a/pods/here/status")).toBe("");
    expect(refusal("DELETE", "/api/v1/namespaces/a/pods/here")).toBe("");
    expect(refusal("PUT", "/api/v1/namespaces/a/pods/there/status")).toBe(
      'pods "there" is forbidden: node "one" can only update pod status for pods with spec.nodeName set to itself',
    );
    expect(refusal("DELETE", "/api/v1/namespaces/a/pods/there")).toContain(
      "can only delete pods with spec.nodeName set to itself",
    );
  });

  it("neither registers another node nor changes its own taints", () => {
    const node = (name: string, taints: object[] = []) => ({ metadata: { name }, spec: { taints } }) as unknown as KubeObject;
    expect(() => checkNodeObject(kubelet, resources.nodes, node("one"))).not.toThrow();
    expect(() => checkNodeObject(kubelet, resources.nodes, node("two"))).toThrow("not allowed to modify node");
    expect(() => checkNodeObject(kubelet, resources.nodes, node("one"), node("one", [{ key: "k" }]))).toThrow("modify taints");
  });

  it("reads the secrets, configmaps and volumes of its own pods alone", () => {
    const core = "/api/v1/namespaces/a";
    for (const path of [
      `${core}/secrets/env-secret`,
      `${core}/secrets/volume-secret`,
      `${core}/configmaps/init-map`,
      `${core}/configmaps/projected-map`,
      `${core}/persistentvolumeclaims/data`,
      "/api/v1/persistentvolumes/pv-1",
    ]) {
      expect(refusal("GET", path)).toBe("");
    }
    expect(refusal("GET", `${core}/secrets/foreign-secret`)).toBe(
      `secrets "foreign-secret" is forbidden: User "system:node:one" cannot get resource "secrets" in API group "" in the namespace "a": no relationship found between node 'one' and this object`,
    );
    expect(refusal("GET", "/api/v1/persistentvolumes/pv-2")).toContain("no relationship found");
    expect(refusal("GET", `${core}/configmaps/volume-secret`)).toContain("no relationship found");
  });

  it("is who its group says: others with such a name are not held to it", () => {
    expect(refusal("PUT", "/api/v1/nodes/two/status", { name: "system:node:one", groups: [] })).toBe("");
  });
});
