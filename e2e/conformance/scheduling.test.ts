import {
  type ApiException,
  AppsV1Api,
  CoreV1Api,
  PolicyV1Api,
  type V1Node,
  type V1Pod,
  type V1PodDisruptionBudget,
  type V1PodList,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { budgetManifest, deploymentManifest, podManifest, virtualNode } from "./scheduling-manifests.ts";

const zones = { "v-1": "a", "v-2": "a", "v-3": "b", "v-4": "b" };
let cluster: TestCluster;
let core: CoreV1Api;
let policy: PolicyV1Api;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  policy = cluster.config.makeApiClient(PolicyV1Api);
  for (const [name, zone] of Object.entries(zones)) await core.createNode({ body: virtualNode(name, { zone, pool: "main" }) });
  const areReady = async () => (await core.listNode()).items.every(isReady);
  await eventually(areReady, "the nodes are ready");
});

afterAll(() => cluster?.stop());

function isReady({ status }: V1Node | V1Pod): boolean {
  return (status?.conditions as { type: string; status: string }[] | undefined)?.some(
    (one) => one.type === "Ready" && one.status === "True",
  ) as boolean;
}

const scheduled = ({ status }: V1Pod) => status?.conditions?.find(({ type }) => type === "PodScheduled");

describe.each(findKubectls())("kubectl $version", (kubectl: Kubectl) => {
  const namespace = `scheduling-${kubectl.minor}`;
  let k: KubectlSession;
  const getPod = (name: string) => k.json<V1Pod>(["get", "pod", name]);
  const podsOf = async (app: string) => (await k.json<V1PodList>(["get", "pods", "-l", `app=${app}`])).items;
  const allReady = (app: string, count: number) =>
    eventually(async () => {
      const pods = await podsOf(app);
      return pods.length === count && pods.every(isReady) && pods;
    }, `${count} ready pods of ${app}`);
  const refusalOf = (name: string) =>
    eventually(async () => {
      const condition = scheduled(await getPod(name));
      return condition?.status === "False" && `${condition.reason}: ${condition.message}`;
    }, `${name} is not scheduled`);

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
  });

  afterAll(async () => {
    await k.run(["delete", "namespace", namespace, "--wait=false"]);
  });

  it("a pod that no node has room for stays Pending and says why, in events too", async () => {
    await k.run(["create", "-f", "-"], podManifest("large", {}, { cpu: "5" }));
    const message = "0/4 nodes are available: 4 Insufficient cpu.";
    expect(await refusalOf("large")).toBe(`Unschedulable: ${message}`);
    const isTold = async () => (await k.run(["describe", "pod", "large"])).includes(message);
    await eventually(isTold, "the event FailedScheduling");
    expect(await k.run(["get", "pod", "large", "--no-headers"])).toMatch(/^large\s+0\/1\s+Pending\s/);
  });

  it("nodeSelector and node affinity choose the node, or none", async () => {
    const matchExpressions = [{ key: "zone", operator: "NotIn", values: ["a"] }];
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } };
    await k.run(["create", "-f", "-"], podManifest("choosy", { affinity: { nodeAffinity } }));
    await k.run(["create", "-f", "-"], podManifest("nowhere", { nodeSelector: { zone: "c" } }));
    await k.run(["wait", "--for=condition=Ready", "pod/choosy", "--timeout=20s"]);
    expect(["v-3", "v-4"]).toContain((await getPod("choosy")).spec?.nodeName);
    expect(await refusalOf("nowhere")).toContain("4 node(s) didn't match Pod's node affinity/selector");
  });

  it("a taint keeps pods away that do not tolerate it, until it is taken off", async () => {
    expect(await k.run(["taint", "nodes", "v-1", "dedicated=db:NoSchedule"])).toBe("node/v-1 tainted\n");
    await k.run(["create", "-f", "-"], podManifest("guest", { nodeSelector: { "kubernetes.io/hostname": "v-1" } }));
    expect(await refusalOf("guest")).toBe(
      "Unschedulable: 0/4 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 3 node(s) didn't match Pod's node affinity/selector.",
    );
    expect(await k.run(["describe", "node", "v-1"])).toMatch(/Taints:\s+(virtual|dedicated)/);
    expect(await k.run(["taint", "nodes", "v-1", "dedicated:NoSchedule-"])).toBe("node/v-1 untainted\n");
    await k.run(["wait", "--for=condition=Ready", "pod/guest", "--timeout=20s"]);
  });

  it("topology spread constraints place pods evenly over zones, and refuse what would be uneven", async () => {
    const constraint = (more: object = {}) => ({
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "zone",
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { app: "even" } },
          ...more,
        },
      ],
    });
    await k.run(["apply", "-f", "-"], deploymentManifest("even", 6, constraint()));
    const pods = await allReady("even", 6);
    const placed = pods.map(({ spec }) => zones[(spec?.nodeName ?? "v-1") as keyof typeof zones]);
    expect(placed.filter((zone) => zone === "a")).toHaveLength(3);
    const manifest = JSON.parse(podManifest("uneven", constraint({ minDomains: 3 })));
    await k.run(["create", "-f", "-"], JSON.stringify({ ...manifest, metadata: { name: "uneven", labels: { app: "even" } } }));
    expect(await refusalOf("uneven")).toContain("4 node(s) didn't match pod topology spread constraints.");
    await k.run(["delete", "deploy/even", "pod/uneven"]);
  });

  it("required anti-affinity keeps pods on different nodes", async () => {
    const term = { labelSelector: { matchLabels: { app: "apart" } }, topologyKey: "zone" };
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    await k.run(["apply", "-f", "-"], deploymentManifest("apart", 3, { affinity: { podAntiAffinity } }));
    const pods = await eventually(async () => {
      const all = await podsOf("apart");
      return all.filter(isReady).length === 2 && all.some((one) => scheduled(one)?.status === "False") && all;
    }, "two run and one waits");
    const waiting = pods.find((one) => !one.spec?.nodeName);
    expect(waiting && scheduled(waiting)?.message).toBe(
      "0/4 nodes are available: 4 node(s) didn't match pod anti-affinity rules.",
    );
    await k.run(["delete", "deploy/apart"]);
  });

  it("required affinity places a pod beside the one that it needs, once that one is there", async () => {
    const term = { labelSelector: { matchLabels: { app: "leader" } }, topologyKey: "kubernetes.io/hostname" };
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    await k.run(["create", "-f", "-"], podManifest("follower", { affinity }));
    expect(await refusalOf("follower")).toContain("4 node(s) didn't match pod affinity rules");
    await k.run(["create", "-f", "-"], podManifest("leader"));
    await k.run(["wait", "--for=condition=Ready", "pod/leader", "pod/follower", "--timeout=20s"]);
    expect((await getPod("follower")).spec?.nodeName).toBe((await getPod("leader")).spec?.nodeName);
  });

  it("cordon keeps new pods away and shows it, uncordon ends that", async () => {
    expect(await k.run(["cordon", "v-4"])).toBe("node/v-4 cordoned\n");
    expect(await k.run(["get", "node", "v-4", "--no-headers"])).toMatch(/^v-4\s+Ready,SchedulingDisabled\s/);
    await k.run(["create", "-f", "-"], podManifest("late", { nodeSelector: { "kubernetes.io/hostname": "v-4" } }));
    expect(await refusalOf("late")).toContain("1 node(s) were unschedulable");
    const hasTaint = async () =>
      (await k.json<V1Node>(["get", "node", "v-4"])).spec?.taints?.some(({ key }) => key === "node.kubernetes.io/unschedulable");
    await eventually(hasTaint, "the taint of a cordoned node");
    expect(await k.run(["uncordon", "v-4"])).toBe("node/v-4 uncordoned\n");
    await k.run(["wait", "--for=condition=Ready", "pod/late", "--timeout=20s"]);
  });

  it("a disruption budget shows how many pods may go", async () => {
    await k.run(["apply", "-f", "-"], deploymentManifest("counted", 3));
    await k.run(["apply", "-f", "-"], budgetManifest("counted", "counted", { maxUnavailable: "34%" }));
    await allReady("counted", 3);
    const isCounted = async () => {
      const { status } = await k.json<V1PodDisruptionBudget>(["get", "pdb", "counted"]);
      return status?.disruptionsAllowed === 2 && status;
    };
    const status = await eventually(isCounted, "two disruptions are allowed");
    expect(status).toMatchObject({ currentHealthy: 3, desiredHealthy: 1, expectedPods: 3, observedGeneration: 1 });
    expect(status.conditions?.[0]).toMatchObject({ type: "DisruptionAllowed", status: "True", reason: "SufficientPods" });
    expect(await k.run(["get", "pdb", "counted", "--no-headers"])).toMatch(/^counted\s+N\/A\s+34%\s+2\s+\d+s\n$/);
    await k.run(["delete", "deploy/counted", "pdb/counted"]);
  });

  it("drain refuses pods of no controller and pods with local data, unless told otherwise", async () => {
    const spec = { nodeSelector: { "kubernetes.io/hostname": "v-3" }, volumes: [{ name: "scratch", emptyDir: {} }] };
    await k.run(["create", "-f", "-"], podManifest("lonely", spec));
    await k.run(["wait", "--for=condition=Ready", "pod/lonely", "--timeout=20s"]);
    const selector = "--pod-selector=app=lonely";
    const refusal = (...more: string[]) => k.refusal(["drain", "v-3", selector, "--timeout=10s", ...more]);
    expect(await refusal()).toContain("cannot delete Pods with local storage (use --delete-emptydir-data to override)");
    expect(await refusal("--delete-emptydir-data")).toMatch(
      /cannot delete Pods (not managed by|that declare no controller|declare no controller)/,
    );
    expect(
      await k.run(["drain", "v-3", selector, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=20s"]),
    ).toMatch(/node\/v-3 (evicted|drained)/);
    expect(await k.refusal(["get", "pod", "lonely"])).toContain("NotFound");
    await k.run(["uncordon", "v-3"]);
  });

  it.concurrent("a NoExecute taint ends the pods that do not tolerate it, with the condition DisruptionTarget, and lets the others be", async () => {
    const hostname = { nodeSelector: { "kubernetes.io/hostname": "v-2" } };
    const tolerations = [{ key: "maintenance", operator: "Exists", effect: "NoExecute" }];
    await k.run(["create", "-f", "-"], podManifest("plain", hostname));
    await k.run(
      ["create", "-f", "-"],
      podManifest("brief", { ...hostname, tolerations: [{ ...tolerations[0], tolerationSeconds: 2 }] }),
    );
    await k.run(["create", "-f", "-"], podManifest("tolerant", { ...hostname, tolerations }));
    await k.run(["wait", "--for=condition=Ready", "pod/plain", "pod/brief", "pod/tolerant", "--timeout=20s"]);
    const watch = k.follow([
      "get",
      "pod",
      "plain",
      "-w",
      "-o",
      "jsonpath={.status.conditions[?(@.type=='DisruptionTarget')].reason}{'\\n'}",
    ]);
    try {
      await eventually(async () => watch.lines.length > 0, "the watch is open");
      await k.run(["taint", "nodes", "v-2", "maintenance=tonight:NoExecute"]);
      await eventually(async () => (await k.try(["get", "pod", "plain"])).code !== 0, "the pod is gone");
      expect((await getPod("brief")).metadata?.deletionTimestamp).toBeUndefined();
      await eventually(async () => (await k.try(["get", "pod", "brief"])).code !== 0, "its time is over");
      expect((await getPod("tolerant")).metadata?.deletionTimestamp).toBeUndefined();
      await eventually(async () => watch.lines.includes("DeletionByTaintManager"), "the reason");
    } finally {
      watch.stop();
      await k.run(["taint", "nodes", "v-2", "maintenance-"]);
    }
  });

  it.concurrent("drain waits for the disruption budget, and moves everything", async () => {
    await k.run(["cordon", "v-3"]);
    await k.run(["apply", "-f", "-"], deploymentManifest("moving", 2, { nodeSelector: { zone: "b" } }));
    await k.run(["apply", "-f", "-"], budgetManifest("moving", "moving", { minAvailable: 2 }));
    await allReady("moving", 2);
    await k.run(["uncordon", "v-3"]);
    const drain = k.try(["drain", "v-4", "--pod-selector=app=moving", "--timeout=60s"]);
    const isCordoned = async () => (await k.json<V1Node>(["get", "node", "v-4"])).spec?.unschedulable === true;
    await eventually(isCordoned, "drain has begun");
    const budget = async () => (await k.json<V1PodDisruptionBudget>(["get", "pdb", "moving"])).status;
    expect((await budget())?.currentHealthy).toBe(2);
    await k.run(["patch", "pdb", "moving", "--type=merge", "-p", '{"spec":{"minAvailable":0}}']);
    const { code, stdout, stderr } = await drain;
    expect(`${code} ${stderr}`).toMatch(/^0 /);
    expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(stdout.match(/pod\/moving-\S+ evicted/g)).toHaveLength(2);
    for (const { spec } of await allReady("moving", 2)) expect(spec?.nodeName).toBe("v-3");
    await k.run(["uncordon", "v-4"]);
    await k.run(["delete", "deploy/moving", "pdb/moving"]);
  });

  it("a pod with scheduling gates waits for them", async () => {
    if (kubectl.minor < 27) return;
    await k.run(["create", "-f", "-"], podManifest("gated", { schedulingGates: [{ name: "example.com/quota" }] }));
    const isGated = async () => /SchedulingGated/.test(await k.run(["get", "pod", "gated", "--no-headers"]));
    await eventually(isGated, "SchedulingGated");
    await k.run(["patch", "pod", "gated", "--type=json", "-p", '[{"op":"remove","path":"/spec/schedulingGates"}]']);
    await k.run(["wait", "--for=condition=Ready", "pod/gated", "--timeout=20s"]);
  });
});

describe("the client library", () => {
  const namespace = "default";
  type Refusal = { code: number; reason?: string; message: string; details?: { causes?: { reason: string; message: string }[] } };

  async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
    try {
      await promise;
    } catch (error) {
      return JSON.parse((error as ApiException<string>).body);
    }
    throw new Error("the call succeeded");
  }

  const podsOf = async (app: string) => (await core.listNamespacedPod({ namespace, labelSelector: `app=${app}` })).items;
  const evict = (name: string, query: { dryRun?: string } = {}) =>
    core.createNamespacedPodEviction({ namespace, name, body: { metadata: { name, namespace } }, ...query });

  async function startApp(app: string, replicas: number, budget: Record<string, unknown>, allowed: number): Promise<V1Pod[]> {
    const apps = cluster.config.makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({ namespace, body: JSON.parse(deploymentManifest(app, replicas)) });
    await policy.createNamespacedPodDisruptionBudget({ namespace, body: JSON.parse(budgetManifest(app, app, budget)) });
    const isAllowed = async () =>
      (await policy.readNamespacedPodDisruptionBudget({ namespace, name: app })).status?.disruptionsAllowed === allowed &&
      (await podsOf(app)).filter(isReady).length === replicas;
    await eventually(isAllowed, `${allowed} disruptions are allowed`);
    return podsOf(app);
  }

  it("an eviction is refused with 429 and its cause when the budget is spent", async () => {
    const [pod] = await startApp("strict", 2, { minAvailable: 2 }, 0);
    expect(await refusalOf(evict(pod?.metadata?.name ?? ""))).toMatchObject({
      code: 429,
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          { reason: "DisruptionBudget", message: "The disruption budget strict needs 2 healthy pods and has 2 currently" },
        ],
      },
    });
  });

  it("a dry run of an eviction changes nothing", async () => {
    const [pod] = await startApp("rehearsed", 2, { maxUnavailable: 1 }, 1);
    const name = pod?.metadata?.name ?? "";
    await evict(name, { dryRun: "All" });
    expect((await policy.readNamespacedPodDisruptionBudget({ namespace, name: "rehearsed" })).status?.disruptionsAllowed).toBe(1);
    expect((await core.readNamespacedPod({ namespace, name })).metadata?.deletionTimestamp).toBeUndefined();
  });

  it("evictions at the same time never take more than the budget allows", async () => {
    const pods = await startApp("crowd", 6, { maxUnavailable: 2 }, 2);
    const outcomes = await Promise.allSettled(pods.map(({ metadata }) => evict(metadata?.name ?? "")));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  });

  it("a pod of two budgets is not evicted: 500", async () => {
    const [pod] = await startApp("twice", 1, { minAvailable: 0 }, 1);
    await policy.createNamespacedPodDisruptionBudget({
      namespace,
      body: JSON.parse(budgetManifest("again", "twice", { minAvailable: 0 })),
    });
    expect(await refusalOf(evict(pod?.metadata?.name ?? ""))).toMatchObject({
      code: 500,
      message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    });
  });

  it("an eviction of a pod that is not there is refused with 404", async () => {
    expect(await refusalOf(evict("nobody"))).toMatchObject({ code: 404, reason: "NotFound", message: 'pods "nobody" not found' });
  });

  it("a pod gets tolerations of 300 s for lost nodes, unless it has its own", async () => {
    const own = [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }];
    await core.createNamespacedPod({ namespace, body: JSON.parse(podManifest("tolerating", { tolerations: own })) });
    const { spec } = await core.readNamespacedPod({ namespace, name: "tolerating" });
    const seconds = Object.fromEntries((spec?.tolerations ?? []).map(({ key, tolerationSeconds }) => [key, tolerationSeconds]));
    expect(seconds).toMatchObject({ "node.kubernetes.io/not-ready": 300, "node.kubernetes.io/unreachable": 5 });
  });

  it("a pod that is not healthy goes when the budget's others are enough, and a pod that has not begun always does", async () => {
    const [pod] = await startApp("half", 2, { minAvailable: 1 }, 1);
    const pending = JSON.parse(podManifest("half-pending", { nodeSelector: { zone: "nowhere" } }));
    await core.createNamespacedPod({
      namespace,
      body: { ...pending, metadata: { name: "half-pending", labels: { app: "half" } } },
    });
    await evict(pod?.metadata?.name ?? "");
    await evict("half-pending");
    const name = "half-pending";
    const isGone = () =>
      core.readNamespacedPod({ namespace, name }).then(
        () => false,
        () => true,
      );
    await eventually(isGone, "the pending pod is gone");
  });

  it("a budget that counts both ways is refused with 422", async () => {
    const body = JSON.parse(budgetManifest("both", "both", { minAvailable: 1, maxUnavailable: 1 }));
    expect(await refusalOf(policy.createNamespacedPodDisruptionBudget({ namespace, body }))).toMatchObject({
      code: 422,
      reason: "Invalid",
      message: expect.stringContaining("minAvailable and maxUnavailable cannot be both set"),
    });
  });

  it("a taint with an unknown effect is refused with 422", async () => {
    const node = await core.readNode({ name: "v-1" });
    const body = { ...node, spec: { ...node.spec, taints: [{ key: "a", effect: "Kill" }] } };
    expect(await refusalOf(core.replaceNode({ name: "v-1", body }))).toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.taints[0].effect: Unsupported value: "Kill"'),
    });
  });

  it("a spread constraint without a topology is refused with 422", async () => {
    const constraint = { maxSkew: 1, topologyKey: "", whenUnsatisfiable: "DoNotSchedule" };
    const body = JSON.parse(podManifest("flat", { topologySpreadConstraints: [constraint] }));
    expect(await refusalOf(core.createNamespacedPod({ namespace, body }))).toMatchObject({
      code: 422,
      message: 'Pod "flat" is invalid: spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
    });
  });

  it("a pod that asks for a device waits for a node that has one", async () => {
    const requests = { "example.com/gpu": "1" };
    await core.createNamespacedPod({ namespace, body: JSON.parse(podManifest("rendering", {}, requests)) });
    const refusal = async () => scheduled(await core.readNamespacedPod({ namespace, name: "rendering" }))?.message;
    await eventually(async () => (await refusal()) === "0/4 nodes are available: 4 Insufficient example.com/gpu.", "the refusal");
    const node = await core.readNode({ name: "v-2" });
    const allocatable = { ...node.status?.allocatable, ...requests };
    await core.replaceNodeStatus({ name: "v-2", body: { ...node, status: { ...node.status, allocatable } } });
    const runs = async () => (await core.readNamespacedPod({ namespace, name: "rendering" })).spec?.nodeName === "v-2";
    await eventually(runs, "the pod is on v-2");
  });

  it("a pod of an unknown priority class is refused", async () => {
    const body = JSON.parse(podManifest("urgent", { priorityClassName: "urgent" }));
    expect(await refusalOf(core.createNamespacedPod({ namespace, body }))).toMatchObject({
      code: 403,
      message: 'pods "urgent" is forbidden: no PriorityClass with name urgent was found',
    });
  });
});
