import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ApiException,
  AppsV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  Metrics,
  type V2HorizontalPodAutoscaler,
  type V2HorizontalPodAutoscalerBehavior,
  type V2HorizontalPodAutoscalerSpec,
  type V2MetricSpec,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { burnerImage, burnerTemplate, freePort, type RunningPrometheus, startPrometheus, tellPod } from "./measured-pods.ts";

const namespace = "default";
let cluster: TestCluster;
let directory: string;
let prometheus: RunningPrometheus;
let kubelet: ChildProcess;
let core: CoreV1Api;
let apps: AppsV1Api;
let autoscaling: AutoscalingV2Api;
let metrics: Metrics;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-autoscaling-"));
  await writeFile(join(directory, "burner.json"), JSON.stringify(burnerImage));
  const port = await freePort();
  const settings: Record<string, string> = {
    CLUSTER_METRICS_SECONDS: "1",
    CLUSTER_AUTOSCALER_SECONDS: "1",
    CLUSTER_PROMETHEUS_URL: `http://127.0.0.1:${port}`,
  };
  [cluster, prometheus] = await Promise.all([startTestCluster(settings), startPrometheus(join(directory, "prometheus"), port)]);
  kubelet = startKubelet(cluster, "node-1", directory);
  core = cluster.config.makeApiClient(CoreV1Api);
  apps = cluster.config.makeApiClient(AppsV1Api);
  autoscaling = cluster.config.makeApiClient(AutoscalingV2Api);
  metrics = new Metrics(cluster.config);
  const web = { replicas: 1, selector: { matchLabels: { app: "web" } }, template: burnerTemplate("web") };
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec: web } });
});

afterAll(async () => {
  if (kubelet) await end(kubelet, "SIGTERM");
  if (prometheus) await end(prometheus.child, "SIGTERM");
  await cluster?.stop();
  if (directory) await rm(directory, { recursive: true, force: true });
});

const cpu = (averageUtilization: number): V2MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

/** Far from what the container uses: it never asks for more than one replica. */
const containerMemory: V2MetricSpec = {
  type: "ContainerResource",
  containerResource: { name: "memory", container: "main", target: { type: "Utilization", averageUtilization: 9000 } },
};

function createAutoscaler(name: string, kind: string, spec: Partial<V2HorizontalPodAutoscalerSpec>) {
  const scaleTargetRef = { apiVersion: "apps/v1", kind, name };
  const body = { metadata: { name }, spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, ...spec } };
  return autoscaling.createNamespacedHorizontalPodAutoscaler({ namespace, body });
}

async function setBehavior(name: string, behavior: V2HorizontalPodAutoscalerBehavior): Promise<void> {
  const body = [{ op: "add", path: "/spec/behavior", value: behavior }];
  await autoscaling.patchNamespacedHorizontalPodAutoscaler({ name, namespace, body });
}

/** The autoscaler once it is as wanted. */
function untilAutoscaler(name: string, what: string, wanted: (autoscaler: V2HorizontalPodAutoscaler) => unknown) {
  const ask = async () => {
    const autoscaler = await autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace });
    return wanted(autoscaler) ? autoscaler : undefined;
  };
  return eventually(ask, what, 40_000);
}

function conditionOf({ status }: V2HorizontalPodAutoscaler, type: string): string {
  const condition = status?.conditions?.find((one) => one.type === type);
  return `${condition?.status} ${condition?.reason}`;
}

const podsOf = async (app: string) => (await core.listNamespacedPod({ namespace, labelSelector: `app=${app}` })).items;

async function eventsOf(name: string): Promise<string[]> {
  const fieldSelector = `involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name=${name}`;
  const { items } = await core.listNamespacedEvent({ namespace, fieldSelector });
  return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

async function refusalOf(promise: Promise<unknown>): Promise<{ code: number; message: string }> {
  try {
    await promise;
  } catch (error) {
    return JSON.parse((error as ApiException<string>).body);
  }
  throw new Error("the call succeeded");
}

describe("metrics of the client library", () => {
  it("list the use of every node", async () => {
    const { items } = await eventually(async () => {
      const list = await metrics.getNodeMetrics();
      return list.items.length > 0 ? list : undefined;
    }, "the node is measured");
    expect(items.map(({ metadata }) => metadata.name)).toEqual(["node-1"]);
    expect(items[0]?.usage.cpu).toMatch(/^\d+n$/);
    expect(items[0]?.usage.memory).toMatch(/^\d+[KM]i$/);
    expect(items[0]?.window).toMatch(/^[\d.]+s$/);
  });

  it("list the use of pods by container, with their labels", async () => {
    const pod = await eventually(async () => (await metrics.getPodMetrics(namespace)).items[0], "the pod is measured");
    expect(pod.metadata.name).toMatch(/^web-/);
    expect((pod.metadata as { labels?: unknown }).labels).toMatchObject({ app: "web" });
    expect(pod.containers.map(({ name }) => name)).toEqual(["main"]);
    expect(pod.containers[0]?.usage).toEqual({
      cpu: expect.stringMatching(/^\d+n?$/),
      memory: expect.stringMatching(/^\d+[KM]i$/),
    });
  });
});

describe.each(findKubectls())("kubectl $version", (kubectl: Kubectl) => {
  const k = () => new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);

  it("top nodes shows cores, bytes and shares", async () => {
    const [head, row] = (await k().run(["top", "nodes"])).split("\n");
    expect(head?.split(/\s+/).slice(0, 5)).toEqual([
      "NAME",
      "CPU(cores)",
      kubectl.minor < 32 ? "CPU%" : "CPU(%)",
      "MEMORY(bytes)",
      kubectl.minor < 32 ? "MEMORY%" : "MEMORY(%)",
    ]);
    expect(row).toMatch(/^node-1\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%/);
    expect(await k().run(["top", "node", "node-1", "--no-headers"])).toMatch(/^node-1\s/);
  });

  it("top pods shows cores and bytes, by label and by container", async () => {
    const [head, row] = (await k().run(["top", "pods"])).split("\n");
    expect(head?.trim().split(/\s+/)).toEqual(["NAME", "CPU(cores)", "MEMORY(bytes)"]);
    expect(row).toMatch(/^web-\S+\s+\d+m\s+\d+Mi\s*$/);
    expect(await k().run(["top", "pods", "-l", "app=web", "--no-headers"])).toMatch(/^web-/);
    expect(await k().run(["top", "pods", "-A", "--no-headers"])).toMatch(/^default\s+web-/);
    const containers = (await k().run(["top", "pods", "--containers"])).split("\n");
    expect(containers[0]?.trim().split(/\s+/)).toEqual(["POD", "NAME", "CPU(cores)", "MEMORY(bytes)"]);
    expect(containers[1]).toMatch(/^web-\S+\s+main\s+\d+m\s+\d+Mi/);
    expect(await k().refusal(["top", "pod", "nobody"])).toContain(
      '(NotFound): podmetrics.metrics.k8s.io "default/nobody" not found',
    );
  });

  it("get shows metrics as a table, and neither writes nor watches them", async () => {
    const [head, row] = (await k().run(["get", "pods.metrics.k8s.io"])).split("\n");
    expect(head?.trim().split(/\s+/)).toEqual(["NAME", "CPU", "MEMORY", "WINDOW"]);
    expect(row).toMatch(/^web-\S+\s+\d+n?\s+\d+[KM]i\s+[\d.]+s\s*$/);
    const watch = await k().refusal(["get", "--raw", "/apis/metrics.k8s.io/v1beta1/pods?watch=true"]);
    expect(watch).toContain("the server does not allow this method on the requested resource");
    expect(await k().refusal(["delete", "nodes.metrics.k8s.io", "node-1"])).toContain("MethodNotAllowed");
    expect(await k().run(["api-resources", "--api-group=metrics.k8s.io", "--no-headers"])).toMatch(
      /nodes.*NodeMetrics\n.*pods.*PodMetrics/,
    );
  });
});

describe("a HorizontalPodAutoscaler", () => {
  /** Tells the one pod that Prometheus scrapes. */
  let tellScraped: (path: string) => Promise<void>;
  const scaleUp = { policies: [{ type: "Pods", value: 1, periodSeconds: 600 }] };

  it("scales a Deployment up when its pods use more cpu than the target", async () => {
    await createAutoscaler("web", "Deployment", {
      metrics: [cpu(20), containerMemory],
      behavior: { scaleDown: { stabilizationWindowSeconds: 3 } },
    });
    const [pod] = await podsOf("web");
    await tellPod(pod?.status?.podIP, "/burn");
    const scaled = await untilAutoscaler("web", "three replicas", ({ status }) => status?.currentReplicas === 3);
    expect((await apps.readNamespacedDeployment({ name: "web", namespace })).spec?.replicas).toBe(3);
    expect(scaled.status?.lastScaleTime).toBeDefined();
    expect(conditionOf(scaled, "ScalingActive")).toBe("True ValidMetricFound");
    expect((await eventsOf("web")).join("\n")).toContain(
      "Normal SuccessfulRescale: New size: 3; reason: cpu resource utilization (percentage of request) above target",
    );
  });

  it("says that the maximum holds it back", async () => {
    const limited = await untilAutoscaler(
      "web",
      "limited",
      (one) => conditionOf(one, "ScalingLimited") === "True TooManyReplicas",
    );
    expect(limited.status?.desiredReplicas).toBe(3);
    expect(limited.status?.currentMetrics?.[0]?.resource?.current.averageUtilization).toBeGreaterThan(20);
  });

  it.each(findKubectls())("is shown by kubectl $version", async (kubectl: Kubectl) => {
    const k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    const [head, row] = (await k.run(["get", "hpa", "web"])).split("\n");
    expect(head?.trim().split(/\s+/)).toEqual(["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"]);
    expect(row).toMatch(/^web\s+Deployment\/web\s+cpu: \d+%\/20%, memory: \d+%\/9000%\s+1\s+3\s+3\s/);
    const described = kubectl.minor >= 23 ? await k.run(["describe", "hpa", "web"]) : "";
    if (described) {
      expect(described).toMatch(/resource cpu on pods\s+\(as a percentage of request\):\s+\d+% \(\d+m\) \/ 20%/);
      expect(described).toMatch(
        /resource memory of container "main" on pods\s+\(as a percentage of request\):\s+\d+% \(\d+\w*\) \/ 9000%/,
      );
      expect(described).toMatch(/ScalingLimited\s+True\s+TooManyReplicas/);
      expect(described).toMatch(/Normal\s+SuccessfulRescale/);
    }
  });

  it("scales down again after the stabilisation window", async () => {
    for (const { status } of await podsOf("web")) await tellPod(status?.podIP, "/rest");
    await untilAutoscaler("web", "one replica", ({ status }) => status?.currentReplicas === 1);
    expect((await eventsOf("web")).join("\n")).toContain("New size: 1; reason: All metrics below target");
  });

  it("does nothing while its target has no replicas", async () => {
    await apps.patchNamespacedDeployment({ name: "web", namespace, body: [{ op: "replace", path: "/spec/replicas", value: 0 }] });
    await untilAutoscaler("web", "disabled", (one) => conditionOf(one, "ScalingActive") === "False ScalingDisabled");
    expect((await apps.readNamespacedDeployment({ name: "web", namespace })).spec?.replicas).toBe(0);
  });

  it("scales a ReplicaSet by a metric of its pods from Prometheus, with the metric's selector", async () => {
    const spec = { replicas: 1, selector: { matchLabels: { app: "queue" } }, template: burnerTemplate("queue") };
    await apps.createNamespacedReplicaSet({ namespace, body: { metadata: { name: "queue" }, spec } });
    const pod = await eventually(async () => {
      const [one] = await podsOf("queue");
      return one?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ? one : undefined;
    }, "the pod is ready");
    const address = pod.status?.podIP ?? "";
    tellScraped = (path) => tellPod(address, path);
    await tellScraped("/queue?25");
    await prometheus.scrape([{ address, namespace, pod: pod.metadata?.name ?? "" }]);
    const metric = { name: "queue_length", selector: { matchLabels: { kind: "mail" } } };
    const target = { type: "AverageValue", averageValue: "10" };
    await createAutoscaler("queue", "ReplicaSet", { maxReplicas: 9, metrics: [{ type: "Pods", pods: { metric, target } }] });
    const scaled = await untilAutoscaler("queue", "three replicas", ({ status }) => status?.currentReplicas === 3);
    expect(scaled.status?.currentMetrics?.[0]?.pods?.current.averageValue).toBe("25");
    expect((await apps.readNamespacedReplicaSet({ name: "queue", namespace })).spec?.replicas).toBe(3);
    expect((await eventsOf("queue")).join("\n")).toContain("New size: 3; reason: pods metric queue_length above target");
  });

  it("goes no faster than the policies of its behaviour allow", async () => {
    await tellScraped("/queue?90");
    await setBehavior("queue", { scaleUp });
    const slow = await untilAutoscaler("queue", "limited", (one) => conditionOf(one, "ScalingLimited") === "True ScaleUpLimit");
    expect(slow.status?.desiredReplicas).toBe(4);
    expect((await apps.readNamespacedReplicaSet({ name: "queue", namespace })).spec?.replicas).toBe(4);
  });

  it("does not go down where its behaviour disables that", async () => {
    await setBehavior("queue", { scaleUp, scaleDown: { selectPolicy: "Disabled", stabilizationWindowSeconds: 0 } });
    await tellScraped("/queue?0");
    const held = await untilAutoscaler("queue", "held", (one) => conditionOf(one, "ScalingLimited") === "True ScaleDownLimit");
    expect(held.status?.desiredReplicas).toBe(4);
  });

  it("brings a StatefulSet within its bounds without any metric", async () => {
    const template = burnerTemplate("redis");
    const spec = { replicas: 1, serviceName: "redis", selector: { matchLabels: { app: "redis" } }, template };
    await apps.createNamespacedStatefulSet({ namespace, body: { metadata: { name: "redis" }, spec } });
    await createAutoscaler("redis", "StatefulSet", { minReplicas: 2, maxReplicas: 4 });
    await untilAutoscaler("redis", "two replicas", ({ status }) => status?.desiredReplicas === 2);
    expect((await apps.readNamespacedStatefulSet({ name: "redis", namespace })).spec?.replicas).toBe(2);
    expect((await eventsOf("redis")).join("\n")).toContain(
      "New size: 2; reason: Current number of replicas below Spec.MinReplicas",
    );
  });

  it("reports a target that is not there", async () => {
    await createAutoscaler("nobody", "Deployment", {});
    const failed = await untilAutoscaler("nobody", "a condition", ({ status }) => status?.conditions?.length);
    expect(conditionOf(failed, "AbleToScale")).toBe("False FailedGetScale");
    expect(failed.status?.conditions?.[0]?.message).toContain('deployments.apps "nobody" not found');
  });

  it("reports metrics that nobody serves, as events and conditions", async () => {
    const spec = { replicas: 1, selector: { matchLabels: { app: "hits" } }, template: burnerTemplate("hits") };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "hits" }, spec } });
    const target = { type: "Value", value: "10" };
    const describedObject = { kind: "Service", name: "hits" };
    const object = { metric: { name: "hits" }, target, describedObject };
    await createAutoscaler("hits", "Deployment", { metrics: [{ type: "Object", object }] });
    const failed = await untilAutoscaler("hits", "inactive", (one) => conditionOf(one, "ScalingActive").startsWith("False"));
    expect(conditionOf(failed, "ScalingActive")).toBe("False FailedGetObjectMetric");
    const told = async () => {
      const events = (await eventsOf("hits")).join("\n");
      return events.includes("FailedGetObjectMetric") && events.includes("FailedComputeMetricsReplicas");
    };
    await eventually(told, "both events");
  });

  it("is refused with minReplicas 0, or with two sources in one metric", async () => {
    const zero = await refusalOf(createAutoscaler("zero", "Deployment", { minReplicas: 0 }));
    expect(zero).toMatchObject({ code: 422 });
    expect(zero.message).toContain("spec.minReplicas: Invalid value: 0: must be greater than or equal to 1");
    const target = { type: "AverageValue", averageValue: "1" };
    const both = await refusalOf(
      createAutoscaler("both", "Deployment", { metrics: [{ ...cpu(50), pods: { metric: { name: "x" }, target } }] }),
    );
    expect(both.message).toContain("spec.metrics[0].pods: Forbidden: must populate the given metric source only");
  });
});

describe.each(findKubectls())("kubectl autoscale $version", (kubectl: Kubectl) => {
  const name = `auto-${kubectl.minor}`;
  const k = () => new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);

  it("makes an autoscaler through autoscaling/v1, which is stored as autoscaling/v2", async () => {
    const output = await k().run(["autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu-percent=70", `--name=${name}`]);
    expect(output).toBe(`horizontalpodautoscaler.autoscaling/${name} autoscaled\n`);
    const { spec } = await autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace });
    expect(spec).toMatchObject({ minReplicas: 2, maxReplicas: 5, metrics: [cpu(70)], scaleTargetRef: { name: "web" } });
    const refusal = await k().refusal(["autoscale", "deployment", "web", "--max=5", `--name=${name}`]);
    expect(refusal).toContain(`(AlreadyExists): horizontalpodautoscalers.autoscaling "${name}" already exists`);
  });

  it("takes a manifest of autoscaling/v1 again and again", async () => {
    const manifest = (share: number) =>
      JSON.stringify({
        apiVersion: "autoscaling/v1",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: `applied-${kubectl.minor}` },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "nobody" },
          maxReplicas: 4,
          targetCPUUtilizationPercentage: share,
        },
      });
    const apply = (text: string) => k().try(["apply", "--validate=false", "-f", "-"], text);
    expect((await apply(manifest(60))).stdout).toContain("created");
    expect((await apply(manifest(60))).stdout).toContain("unchanged");
    expect((await apply(manifest(30))).stdout).toContain("configured");
    const { spec } = await autoscaling.readNamespacedHorizontalPodAutoscaler({ name: `applied-${kubectl.minor}`, namespace });
    expect(spec?.metrics).toEqual([cpu(30)]);
    expect((await apply(manifest(0))).stderr).toContain(
      "spec.targetCPUUtilizationPercentage: Invalid value: 0: must be greater than 0",
    );
  });

  it("is read, changed and deleted in either version", async () => {
    const versioned = ["horizontalpodautoscalers.v1.autoscaling", name];
    const field = ["-o", "jsonpath={.apiVersion} {.spec.targetCPUUtilizationPercentage}"];
    expect(await k().run(["get", ...versioned, ...field])).toBe("autoscaling/v1 70");
    await k().run(["patch", ...versioned, "--type=merge", "-p", '{"spec":{"targetCPUUtilizationPercentage":40}}']);
    const { spec } = await autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace });
    expect(spec?.metrics).toEqual([cpu(40)]);
    await k().run(["delete", ...versioned]);
    expect(await k().refusal(["get", "hpa", name])).toContain("(NotFound)");
  });
});
