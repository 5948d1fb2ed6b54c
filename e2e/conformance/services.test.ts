import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, type V1EndpointSliceList, type V1Endpoints } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, dial, echoDeployment, echoImage, echoTemplate, keptConnection, podsBehind } from "./echo-server.ts";
import { end, eventually, startKubelet, startProxy, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, KubectlSession } from "./kubectl.ts";

let cluster: TestCluster;
let imagesDir: string;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  await writeFile(join(imagesDir, "echo.json"), JSON.stringify(echoImage));
  processes.push(startProxy(cluster), startKubelet(cluster, "node-1", imagesDir));
});

afterAll(async () => {
  await Promise.all(processes.map((child) => end(child, "SIGTERM")));
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

const port = 18_400;
const serviceManifest = (name: string, spec: Record<string, unknown>) =>
  JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });
const serviceOf = (name: string, app = name, spec: Record<string, unknown> = {}) =>
  serviceManifest(name, { selector: { app }, ports: [{ name: "http", port, targetPort: "http" }], ...spec });

describe("Services with running pods", () => {
  let k: KubectlSession;
  let core: CoreV1Api;
  const namespace = "services";
  const addressOf = async (name: string) => (await core.readNamespacedService({ name, namespace })).spec?.clusterIP ?? "";
  const podNames = async (selector: string) =>
    (await core.listNamespacedPod({ namespace, labelSelector: selector })).items
      .filter(({ metadata }) => !metadata?.deletionTimestamp)
      .map(({ metadata }) => metadata?.name ?? "")
      .sort();
  const untilBehind = (host: string, count: number, what: string) =>
    eventually(async () => (await podsBehind(host, port).catch(() => [])).length === count, what, 40_000);

  beforeAll(async () => {
    const kubectl = findKubectls().at(-1);
    if (!kubectl) throw new Error("there is no kubectl");
    core = cluster.config.makeApiClient(CoreV1Api);
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    const manifests = [
      echoDeployment("web", { replicas: 2 }),
      serviceOf("web"),
      serviceOf("sticky", "web", { sessionAffinity: "ClientIP" }),
      serviceManifest("both", {
        selector: { app: "web" },
        ports: [
          { name: "http", port, targetPort: "http" },
          { name: "admin", port: port + 1, targetPort: "admin" },
        ],
      }),
      echoDeployment("draining", { preStop: 8 }),
      serviceOf("draining"),
      echoDeployment("moved", { app: "mixed", port: 18_420 }),
      echoDeployment("unmoved", { app: "mixed" }),
      serviceOf("mixed"),
      echoDeployment("starting", { ready: false }),
      serviceOf("starting"),
      serviceOf("published", "starting", { publishNotReadyAddresses: true }),
      serviceManifest("peers", { clusterIP: "None", selector: { app: "peer" }, ports: [{ name: "http", port }] }),
      statefulSet("peer", "peers", 2),
    ];
    await k.run(["apply", "-f", "-"], manifests.join("\n"));
  });

  it("reach every ready pod at one address, whose port a targetPort by name leads to", async () => {
    const host = await addressOf("web");
    await untilBehind(host, 2, "both pods");
    expect(await podsBehind(host, port)).toEqual(await podNames("app=web"));
    expect((await ask(host, port)).port).toBe(18_410);
  });

  it("lead each of several ports to its own target", async () => {
    const host = await addressOf("both");
    await untilBehind(host, 2, "both pods");
    expect([(await ask(host, port)).port, (await ask(host, port + 1)).port]).toEqual([18_410, 18_411]);
    expect(await dial(host, port + 2)).toBe("ECONNREFUSED");
  });

  it("find a named targetPort at the number that each pod gives it", async () => {
    const host = await addressOf("mixed");
    await untilBehind(host, 2, "both pods");
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(host, port)));
    expect([...new Set(answers.map((answer) => answer.port))].sort()).toEqual([18_410, 18_420]);
    const { items } = await k.json<V1EndpointSliceList>(["get", "endpointslices", "-l", "kubernetes.io/service-name=mixed"]);
    expect(items.flatMap(({ ports = [] }) => ports.map((entry) => entry.port)).sort()).toEqual([18_410, 18_420]);
  });

  it("keep a client at one pod with sessionAffinity ClientIP, for three hours by default", async () => {
    const host = await addressOf("sticky");
    await eventually(async () => (await dial(host, port)) === "open", "a pod behind it");
    expect(await podsBehind(host, port, 8)).toHaveLength(1);
    const { spec } = await core.readNamespacedService({ name: "sticky", namespace });
    expect(spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds).toBe(10_800);
  });

  it("refuse connections at once while no pod is ready, except with publishNotReadyAddresses", async () => {
    const [hidden, published] = [await addressOf("starting"), await addressOf("published")];
    await eventually(async () => (await dial(published, port)) === "open", "the unready pod, published", 40_000);
    expect(await dial(hidden, port)).toBe("ECONNREFUSED");
    const endpoints = await k.json<V1Endpoints>(["get", "endpoints", "starting"]);
    expect(endpoints.subsets?.map(({ addresses, notReadyAddresses }) => [addresses, notReadyAddresses?.length])).toEqual([
      [undefined, 1],
    ]);
    await ask(published, port, "/ready");
    await eventually(async () => (await dial(hidden, port)) === "open", "the pod that became ready");
  });

  it("give a pod that became unready no new connection and leave it those that it has", async () => {
    const host = await addressOf("web");
    await untilBehind(host, 2, "both pods");
    const kept = keptConnection(host, port);
    const { pod } = await kept.ask("/unready");
    await untilBehind(host, 1, "only the other pod");
    expect(await podsBehind(host, port)).not.toContain(pod);
    expect((await kept.ask("/ready")).pod).toBe(pod);
    kept.close();
    await untilBehind(host, 2, "the pod again");
  });

  it("take a pod out before it ends, and use it while it still serves if there is no other", async () => {
    const host = await addressOf("draining");
    await untilBehind(host, 1, "the pod");
    const [first = ""] = await podNames("app=draining");
    const kept = keptConnection(host, port);
    await kept.ask();
    await k.run(["delete", "pod", first, "--wait=false"]);
    expect((await ask(host, port)).pod).toBe(first);
    const conditions = async () =>
      (await k.json<V1EndpointSliceList>(["get", "endpointslices", "-l", "kubernetes.io/service-name=draining"])).items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .find(({ targetRef }) => targetRef?.name === first)?.conditions;
    const isDraining = async () => (await conditions())?.terminating;
    await eventually(isDraining, "the pod's condition");
    expect(await conditions()).toEqual({ ready: false, serving: true, terminating: true });
    expect((await ask(host, port)).pod).toBe(first);
    const second = await eventually(async () => (await podNames("app=draining")).find((name) => name !== first), "its successor");
    await eventually(async () => (await ask(host, port).catch(() => undefined))?.pod === second, "the successor");
    expect(await podsBehind(host, port)).toEqual([second]);
    expect((await kept.ask()).pod).toBe(first);
    kept.close();
  });

  it("fail no connection while all pods are replaced", async () => {
    const host = await addressOf("web");
    await untilBehind(host, 2, "both pods");
    const failures: string[] = [];
    let isOver = false;
    const dialling = (async () => {
      while (!isOver) await ask(host, port).catch((error: Error) => failures.push(error.message));
    })();
    const image = "main=demo/echo:2.0.0";
    const preStop = { lifecycle: { preStop: { exec: { command: ["/bin/sh", "-c", "sleep 1"] } } } };
    const patch = { spec: { template: { spec: { containers: [{ name: "main", ...preStop }] } } } };
    await k.run(["patch", "deployment", "web", "-p", JSON.stringify(patch)]);
    await k.run(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await k.run(["set", "image", "deployment/web", image]);
    await k.run(["rollout", "status", "deployment/web", "--timeout=60s"]);
    isOver = true;
    await dialling;
    expect(failures).toEqual([]);
    expect((await ask(host, port)).version).toBe("2.0.0");
  });

  it("that are headless have no address, and their names and those of their pods resolve within pods", async () => {
    expect(await addressOf("peers")).toBe("None");
    await k.run(["rollout", "status", "statefulset/peer", "--timeout=40s"]);
    const ips = (await core.listNamespacedPod({ namespace, labelSelector: "app=peer" })).items
      .toSorted((left, right) => ((left.metadata?.name ?? "") < (right.metadata?.name ?? "") ? -1 : 1))
      .map(({ status }) => status?.podIP ?? "");
    const host = await addressOf("web");
    const lookup = async (name: string) => (await ask(host, port, `/lookup/${name}`)).addresses;
    await eventually(async () => (await lookup("peers"))?.length === 2, "both addresses");
    expect(await lookup("peers.services.svc.cluster.local")).toEqual(ips.toSorted());
    for (const name of ["peer-1.peers", "peer-1.peers.services", "peer-1.peers.services.svc.cluster.local"]) {
      expect(await lookup(name)).toEqual([ips[1]]);
    }
    expect(await lookup("web.services.svc.cluster.local")).toEqual([host]);
  });

  it("resolve an ExternalName that names another Service", async () => {
    const externalName = "web.services.svc.cluster.local";
    await k.run(["create", "service", "externalname", "alias", `--external-name=${externalName}`]);
    const host = await addressOf("web");
    const lookup = async () => (await ask(host, port, "/lookup/alias.services.svc.cluster.local")).addresses;
    await eventually(async () => (await lookup())?.join() === host, "the alias");
  });

  it("that are scaled to nothing refuse, and connect again when there are pods", async () => {
    const host = await addressOf("mixed");
    await k.run(["scale", "deployment", "moved", "unmoved", "--replicas=0"]);
    await eventually(async () => (await dial(host, port)) === "ECONNREFUSED", "the refusal");
    await k.run(["scale", "deployment", "moved", "--replicas=1"]);
    await eventually(async () => (await dial(host, port)) === "open", "the new pod");
  });
});

function statefulSet(name: string, serviceName: string, replicas: number): string {
  const spec = {
    serviceName,
    replicas,
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: name } },
    template: echoTemplate(name),
  };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name }, spec });
}
