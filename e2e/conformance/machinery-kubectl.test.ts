import type { V1ConfigMap } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { configMapManifest, deploymentManifest } from "./manifests.ts";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
});

afterAll(() => cluster?.stop());

describe.each(findKubectls())("machinery through kubectl $version", (kubectl: Kubectl) => {
  const own = `machinery-${kubectl.minor}`;
  let k: KubectlSession;

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, own);
    await k.run(["create", "namespace", own]);
  });

  it("apply removes fields that left the manifest and keeps what others set", async () => {
    const manifest = (data: object, labels: object) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "three-way", labels }, data });
    await k.run(["apply", "-f", "-"], manifest({ a: "1", b: "2" }, { x: "1", y: "2" }));
    await k.run(["patch", "cm", "three-way", "--type=merge", "-p", '{"data":{"c":"3"}}']);
    await k.run(["apply", "-f", "-"], manifest({ a: "9" }, { y: "2" }));
    const after = await k.json<V1ConfigMap>(["get", "cm", "three-way"]);
    expect(after.data).toEqual({ a: "9", c: "3" });
    expect(after.metadata?.labels).toEqual({ y: "2" });
    expect(after.metadata?.annotations).toHaveProperty(["kubectl.kubernetes.io/last-applied-configuration"]);
  });

  it("apply --prune deletes what left the set", async () => {
    const item = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { set: "pruned" } } });
    const list = (...names: string[]) => JSON.stringify({ apiVersion: "v1", kind: "List", items: names.map(item) });
    const prune = ["apply", "-f", "-", "--prune", "-l", "set=pruned"];
    const only = kubectl.minor < 26 ? "--prune-whitelist=core/v1/ConfigMap" : "--prune-allowlist=core/v1/ConfigMap";
    await k.run([...prune, only], list("stays", "goes"));
    expect(await k.run([...prune, only], list("stays"))).toContain("configmap/goes pruned");
    expect(await k.run(["get", "cm", "-l", "set=pruned", "-o", "name"])).toBe("configmap/stays\n");
  });

  it("apply --server-side is refused with the reason, and makes nothing", async () => {
    const refusal = await k.refusal(["apply", "--server-side", "-f", "-"], configMapManifest("ssa", {}));
    expect(refusal).toMatch(/Server-side apply not available|the body of the request was in an unknown format/);
    expect(await k.refusal(["get", "cm", "ssa"])).toContain("NotFound");
  });

  it("prints custom columns, jsonpath, go templates, names and sorted lists", async () => {
    for (const [name, order] of [
      ["one", "2"],
      ["two", "1"],
    ] as const) {
      await k.run(["create", "cm", name, `--from-literal=order=${order}`]);
      await k.run(["label", "cm", name, "print=yes"]);
    }
    const get = (...args: string[]) => k.run(["get", "cm", "-l", "print=yes", ...args]);
    expect(await get("-o", "custom-columns=NAME:.metadata.name,ORDER:.data.order")).toMatch(/^NAME\s+ORDER\none\s+2\ntwo\s+1\n$/);
    expect(await get("-o", "jsonpath={.items[*].data.order}")).toBe("2 1");
    expect(await get("-o", "go-template={{range .items}}{{.metadata.name}},{{end}}")).toBe("one,two,");
    expect(await get("--sort-by=.data.order", "-o", "name")).toBe("configmap/two\nconfigmap/one\n");
    expect(await get("--show-labels", "--no-headers")).toMatch(/^one\s+1\s+\S+\s+print=yes$/m);
    expect(await get("-L", "print")).toMatch(/^NAME\s+DATA\s+AGE\s+PRINT$/m);
  });

  it("prints more columns with -o wide, and the namespace with -A", async () => {
    await k.run(["apply", "-f", "-"], deploymentManifest({ name: "wide", replicas: 0 }));
    expect(await k.run(["get", "deploy", "-o", "wide"])).toMatch(
      /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR$/m,
    );
    expect(await k.run(["get", "svc", "-o", "wide"])).toMatch(/SELECTOR\n.*app=wide$/m);
    expect(await k.run(["get", "deploy", "-A"])).toMatch(new RegExp(`^NAMESPACE\\s+NAME[^]*^${own}\\s+wide\\s`, "m"));
  });

  it("deletes in the foreground and by selector", async () => {
    await k.run(["create", "cm", "selected-1"]);
    await k.run(["create", "cm", "selected-2"]);
    await k.run(["label", "cm", "selected-1", "selected-2", "sweep=yes"]);
    expect(await k.run(["delete", "cm", "-l", "sweep=yes"])).toBe(
      'configmap "selected-1" deleted\nconfigmap "selected-2" deleted\n',
    );
    const foreground = kubectl.minor < 20 ? [] : ["--cascade=foreground"];
    await k.run(["apply", "-f", "-"], deploymentManifest({ name: "fore", replicas: 0 }));
    await k.run(["delete", "deploy", "fore", ...foreground]);
    expect(await k.run(["get", "rs", "-l", "app=fore", "-o", "name"])).toBe("");
  });

  it("creates under generated names", async () => {
    const manifest = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "made-" } });
    expect(await k.run(["create", "-f", "-"], manifest)).toMatch(/^configmap\/made-[a-z0-9]{5} created\n$/);
  });

  it("refuses a change of an immutable ConfigMap", async () => {
    const manifest = (data: object) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "frozen" }, immutable: true, data });
    await k.run(["apply", "-f", "-"], manifest({ a: "1" }));
    expect(await k.refusal(["apply", "-f", "-"], manifest({ a: "2" }))).toContain("field is immutable when `immutable` is set");
  });

  it("warns that a NetworkPolicy is not enforced, and refuses a wrong one", async () => {
    const policy = (ingress: object[]) =>
      JSON.stringify({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "walls" },
        spec: { podSelector: {}, ingress },
      });
    const warning = "Warning: a NetworkPolicy is stored, but the local cluster does not enforce it";
    expect((await k.try(["create", "-f", "-"], policy([]))).stderr).toContain(warning);
    expect((await k.try(["label", "netpol", "walls", "x=y"])).stderr).toContain(warning);
    expect((await k.try(["get", "netpol", "walls"])).stderr).not.toContain("Warning");
    expect(await k.refusal(["create", "-f", "-"], policy([{ from: [{}] }]))).toContain(
      "spec.ingress[0].from[0]: Required value: must specify a peer",
    );
  });

  it("names what of a pod the cluster does not do", async () => {
    const manifest = (spec: object) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "odd" },
        spec: { containers: [{ name: "main", image: "demo/web:1.0.0" }], ...spec },
      });
    expect(await k.refusal(["create", "-f", "-"], manifest({ runtimeClassName: "gvisor" }))).toContain(
      "spec.runtimeClassName: Forbidden: is not supported by the local cluster",
    );
  });

  if (kubectl.minor >= 25) {
    it("asks for strict, lenient or no validation of fields with --validate", async () => {
      const manifest = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "checked" }, surprise: 1 });
      const make = (mode: string) => k.try(["create", "-f", "-", `--validate=${mode}`, "--dry-run=server"], manifest);
      expect((await make("strict")).stderr).toContain('unknown field "surprise"');
      expect(await make("warn")).toMatchObject({ code: 0, stderr: expect.stringContaining('unknown field "surprise"') });
      expect(await make("ignore")).toMatchObject({ code: 0, stderr: "" });
    });
  }
});
