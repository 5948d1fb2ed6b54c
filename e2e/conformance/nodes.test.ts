import type { ChildProcess } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, type V1Endpoints, type V1Node, type V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, KubectlSession } from "./kubectl.ts";

const namespace = "lost";
const nodes = ["node-1", "node-2", "node-3"] as const;
/** Unlike that of any other process of this machine. */
const marker = `lost-nodes-${process.pid}`;
const script = `echo ${marker}; trap 'exit 0' TERM; while true; do sleep 0.2 & wait $!; done`;

let cluster: TestCluster;
let imagesDir: string;
let core: CoreV1Api;
/** Every case looks with every kubectl. */
let sessions: KubectlSession[];
let k: KubectlSession;
const kubelets = new Map<string, ChildProcess>();

beforeAll(async () => {
  cluster = await startTestCluster({ CLUSTER_NODE_GRACE_SECONDS: "4" });
  core = cluster.config.makeApiClient(CoreV1Api);
  sessions = findKubectls().map((kubectl) => new KubectlSession(kubectl, cluster.kubeconfigPath, namespace));
  const [first] = sessions;
  if (!first) throw new Error("there is no kubectl");
  k = first;
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const image = { name: "demo/idler", command: ["/bin/sh", "-c", script], tags: { "1.0.0": {} } };
  await writeFile(join(imagesDir, "idler.json"), JSON.stringify(image));
  await k.run(["create", "namespace", namespace]);
  for (const node of nodes) start(node);
  const areReady = async () => (await core.listNode()).items.filter((node) => conditionOf(node, "Ready")?.status === "True");
  await eventually(async () => (await areReady()).length === 3, "the nodes are ready", 60_000);
  await k.run(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests() }));
  const pods = async () => (await podsOf()).filter((pod) => conditionOf(pod, "Ready")?.status === "True");
  await eventually(async () => (await pods()).length === 9, "nine pods are ready", 40_000);
});

afterAll(async () => {
  await Promise.all([...kubelets.values()].map((kubelet) => end(kubelet, "SIGTERM")));
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

/** A short lease makes four heartbeats in two seconds. */
function start(node: string): void {
  kubelets.set(node, startKubelet(cluster, node, imagesDir, { KUBELET_LEASE_SECONDS: "2" }));
}

/** Two workloads with a pod on each node that tolerate a lost node for two seconds, and pods that tolerate it longer. */
function manifests(): object[] {
  const tolerations = ["not-ready", "unreachable"].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 2,
  }));
  const container = { name: "main", image: "demo/idler:1.0.0" };
  const workload = (kind: string, app: string, more: object) => {
    const labels = { app };
    const topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: labels },
      },
    ];
    const spec = { terminationGracePeriodSeconds: 1, tolerations, topologySpreadConstraints, containers: [container] };
    const template = { metadata: { labels }, spec };
    return {
      apiVersion: "apps/v1",
      kind,
      metadata: { name: app },
      spec: { replicas: 3, selector: { matchLabels: labels }, template, ...more },
    };
  };
  const pod = (name: string, node: string, more: object = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      nodeSelector: { "kubernetes.io/hostname": node },
      containers: [container],
      terminationGracePeriodSeconds: 1,
      ...more,
    },
  });
  const ports = [{ port: 80 }];
  return [
    workload("Deployment", "web", {}),
    workload("StatefulSet", "db", { serviceName: "db", podManagementPolicy: "Parallel" }),
    { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports } },
    pod("patient-2", "node-2"),
    pod("patient-3", "node-3"),
    pod("anything-goes", "node-2", { tolerations: [{ operator: "Exists" }] }),
  ];
}

type Conditions = { type: string; status: string; reason?: string; message?: string }[];

function conditionOf({ status }: V1Node | V1Pod, type: string): Conditions[number] | undefined {
  return (status?.conditions as Conditions | undefined)?.find((one) => one.type === type);
}

async function podsOf(app?: string, node?: string): Promise<V1Pod[]> {
  const labelSelector = app ? `app=${app}` : undefined;
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  return items.filter(({ spec }) => !node || spec?.nodeName === node);
}

async function onlyPod(app: string, node: string): Promise<V1Pod> {
  const [pod] = await podsOf(app, node);
  if (!pod) throw new Error(`there is no pod of ${app} on ${node}`);
  return pod;
}

const readNode = (name: string) => core.readNode({ name });
const nameOf = ({ metadata }: V1Pod) => metadata?.name ?? "";
const isGone = async (name: string) => (await k.try(["get", "pod", name])).code !== 0;

/** The containers of this file's pods that run on this machine. */
async function runningContainers(): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.startsWith("/bin/sh") && line.includes(marker)).length;
}

describe("two nodes whose power is cut", () => {
  const lost = new Map<string, V1Pod>();

  it("take the processes of their pods with them", async () => {
    for (const app of ["web", "db"]) for (const node of nodes) lost.set(`${app} ${node}`, await onlyPod(app, node));
    expect(await runningContainers()).toBeGreaterThanOrEqual(9);
    for (const node of ["node-2", "node-3"]) await end(kubelets.get(node) as ChildProcess, "SIGKILL");
    await eventually(async () => (await runningContainers()) <= 2, "only the pods of node-1 run");
  });

  it("become NotReady after the grace, with the conditions and taints of an unreachable node", async () => {
    const isLost = async () => /^node-2\s+NotReady\s/m.test(await k.run(["get", "nodes", "--no-headers"]));
    await eventually(isLost, "node-2 is NotReady");
    for (const session of sessions) expect(await session.run(["get", "nodes", "--no-headers"])).toMatch(/^node-1\s+Ready\s/m);
    const hasTaints = async () => {
      const { spec } = await readNode("node-2");
      return spec?.taints?.length === 2 && spec.taints.map(({ key, effect }) => `${key}:${effect}`).sort();
    };
    expect(await eventually(hasTaints, "the taints")).toEqual([
      "node.kubernetes.io/unreachable:NoExecute",
      "node.kubernetes.io/unreachable:NoSchedule",
    ]);
    expect(conditionOf(await readNode("node-2"), "Ready")).toMatchObject({
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
    });
  });

  it("have pods that are no longer ready, and no longer endpoints", async () => {
    const isUnready = async () =>
      conditionOf(await core.readNamespacedPod({ namespace, name: "patient-2" }), "Ready")?.status === "False";
    await eventually(isUnready, "the pod is not ready");
    const remaining = lost.get("web node-1")?.status?.podIP;
    const hasLeft = async () => {
      const { subsets } = await k.json<V1Endpoints>(["get", "endpoints", "web"]);
      const addresses = subsets?.flatMap((subset) => subset.addresses ?? []).map(({ ip }) => ip) ?? [];
      const gone = [lost.get("web node-2"), lost.get("web node-3")].map((pod) => pod?.status?.podIP ?? "");
      return addresses.includes(remaining ?? "") && !gone.some((ip) => addresses.includes(ip));
    };
    await eventually(hasLeft, "the endpoints are without the lost pods");
  });

  it("have their pods deleted after tolerationSeconds, which stay Terminating as nobody can end them", async () => {
    const name = nameOf(lost.get("web node-2") as V1Pod);
    const isDeleted = async () => {
      const pod = await core.readNamespacedPod({ namespace, name });
      return pod.metadata?.deletionTimestamp !== undefined && pod;
    };
    const pod = await eventually(isDeleted, "the pod is deleted");
    expect(conditionOf(pod, "DisruptionTarget")).toMatchObject({ status: "True", reason: "DeletionByTaintManager" });
    for (const session of sessions) expect(await session.run(["get", "pod", name, "--no-headers"])).toMatch(/\sTerminating\s/);
    const isTold = async () => (await k.run(["get", "events"])).includes(`Marking for deletion Pod ${namespace}/${name}`);
    await eventually(isTold, "the event TaintManagerEviction");
  });

  it("leave pods be that tolerate their loss for longer", async () => {
    const pod = await core.readNamespacedPod({ namespace, name: "patient-3" });
    expect(pod.metadata?.deletionTimestamp).toBeUndefined();
  });

  it("have pods of a Deployment replaced elsewhere", async () => {
    const areReplaced = async () => {
      const pods = await podsOf("web", "node-1");
      return pods.length === 3 && pods.every((pod) => conditionOf(pod, "Ready")?.status === "True");
    };
    await eventually(areReplaced, "three pods on node-1");
  });

  it("keep the names of their StatefulSet pods, which are not replaced while they may still run", async () => {
    for (const node of ["node-2", "node-3"]) {
      const pod = lost.get(`db ${node}`) as V1Pod;
      const current = await core.readNamespacedPod({ namespace, name: nameOf(pod) });
      expect([current.metadata?.uid, current.spec?.nodeName]).toEqual([pod.metadata?.uid, node]);
      expect(current.metadata?.deletionTimestamp).toBeDefined();
    }
  });
});

describe("a lost node that is declared out of service", () => {
  it("has its pods removed at once, those of a StatefulSet too, which then run elsewhere", async () => {
    const pod = await onlyPod("db", "node-2");
    expect(await k.run(["taint", "nodes", "node-2", "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"])).toBe(
      "node/node-2 tainted\n",
    );
    const isReplaced = async () => {
      const current = await core.readNamespacedPod({ namespace, name: nameOf(pod) }).catch(() => undefined);
      const isNew = current?.metadata?.uid !== pod.metadata?.uid && current?.spec?.nodeName === "node-1";
      return isNew && current && conditionOf(current, "Ready")?.status === "True";
    };
    await eventually(isReplaced, "the pod runs on node-1");
    await eventually(() => isGone("patient-2"), "the pod without a controller is gone");
  });

  it("keeps a pod that tolerates every taint, even when its Node object is deleted, until that is surely gone", async () => {
    expect(await k.run(["delete", "node", "node-2"])).toBe('node "node-2" deleted\n');
    expect(await isGone("anything-goes")).toBe(false);
  });
});

describe("a lost node that comes back", () => {
  it("is Ready again without its taints, ends the pods that were deleted meanwhile and runs the others", async () => {
    const deleted = await onlyPod("db", "node-3");
    start("node-3");
    const isBack = async () => {
      const node = await readNode("node-3");
      return conditionOf(node, "Ready")?.status === "True" && (node.spec?.taints ?? []).length === 0;
    };
    await eventually(isBack, "node-3 is Ready");
    const hasEnded = async () => {
      const current = await core.readNamespacedPod({ namespace, name: nameOf(deleted) }).catch(() => undefined);
      return current?.metadata?.uid !== deleted.metadata?.uid;
    };
    await eventually(hasEnded, "the deleted pod is gone");
    const runs = async () => {
      const pod = await core.readNamespacedPod({ namespace, name: "patient-3" });
      return conditionOf(pod, "Ready")?.status === "True" && pod;
    };
    const pod = await eventually(runs, "the pod that stayed is ready");
    expect(pod.status?.containerStatuses?.[0]?.restartCount).toBe(1);
    await k.run(["rollout", "status", "statefulset/db", "--timeout=30s"]);
  });
});

describe("a node that was deleted", () => {
  it("has its pods collected", async () => {
    await eventually(() => isGone("anything-goes"), "the pod of a node that does not exist is gone");
  });
});

describe("a node whose kubelet is silent for a while", () => {
  it("has its pods unready meanwhile, then ready again without a restart, and ends those that were deleted", async () => {
    const read = (name: string) => core.readNamespacedPod({ namespace, name });
    const isReady = async (status: string) => conditionOf(await read("patient-3"), "Ready")?.status === status;
    const doomed = nameOf(await onlyPod("db", "node-3"));
    const { containerStatuses } = (await read("patient-3")).status ?? {};
    const kubelet = kubelets.get("node-3");
    kubelet?.kill("SIGSTOP");
    try {
      await eventually(() => isReady("False"), "the pod is not ready");
      await k.run(["delete", "pod", doomed, "--wait=false"]);
      expect((await read(doomed)).metadata?.deletionTimestamp).toBeDefined();
    } finally {
      kubelet?.kill("SIGCONT");
    }
    await eventually(() => isReady("True"), "the pod is ready again");
    const [after] = (await read("patient-3")).status?.containerStatuses ?? [];
    expect([after?.containerID, after?.restartCount]).toEqual([
      containerStatuses?.[0]?.containerID,
      containerStatuses?.[0]?.restartCount,
    ]);
    const isReplaced = async () => (await read(doomed).catch(() => undefined))?.metadata?.deletionTimestamp === undefined;
    await eventually(isReplaced, "the deleted pod is gone");
  });
});
