import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api.ts";
import type { PodUsage } from "../../metrics/usage.ts";
import type { Pod } from "../objects.ts";
import { podsQuery, resolveService } from "./prometheus.ts";
import { MetricError } from "./replicas.ts";
import { type MetricSources, noMetrics, readMetric } from "./sources.ts";
import type { MetricSpec } from "./types.ts";

const pods = ["web-1", "web-2"].map((name) => ({ metadata: { name, namespace: "fleet" } }) as unknown as Pod);
const usage = (cpuNanoCores: number, memoryBytes: number) => ({ atMs: 1000, windowMs: 500, cpuNanoCores, memoryBytes });

const measured: MetricSources = {
  ...noMetrics,
  resources: {
    ...noMetrics.resources,
    findPod: ({ metadata }): PodUsage | undefined => {
      if (metadata.name !== "web-1") return undefined;
      const containers = [
        { name: "main", usage: usage(250_400_000, 4096) },
        { name: "proxy", usage: usage(10_000_000, 1024) },
      ];
      return { atMs: 1000, windowMs: 500, containers };
    },
  },
};

const target = { type: "AverageValue", averageValue: "1" } as const;
const resource = (name: string): MetricSpec => ({ type: "Resource", resource: { name, target } });
const container = (name: string): MetricSpec => ({
  type: "ContainerResource",
  containerResource: { name: "cpu", container: name, target },
});
const custom: MetricSpec = { type: "Pods", pods: { metric: { name: "requests" }, target } };

describe("readings of a metric", () => {
  it("sum the containers of a pod in thousandths, and leave out pods that are not measured", async () => {
    expect(await readMetric(measured, resource("cpu"), "fleet", pods)).toEqual(
      new Map([["web-1", { value: 261, atMs: 1000, windowMs: 500 }]]),
    );
    const memory = await readMetric(measured, resource("memory"), "fleet", pods);
    expect(memory instanceof Map && memory.get("web-1")?.value).toBe(5_120_000);
  });

  it("take one container for a ContainerResource metric", async () => {
    const reading = await readMetric(measured, container("proxy"), "fleet", pods);
    expect(reading instanceof Map && reading.get("web-1")?.value).toBe(10);
    const missing = "unable to get metrics for resource cpu: container nope not present in metrics for pod fleet/web-1";
    expect(await readMetric(measured, container("nope"), "fleet", pods)).toEqual(new MetricError(missing));
  });

  it("take what the application tells for a Pods metric", async () => {
    const read = async () => new Map([["web-2", 12.5]]);
    const reading = await readMetric({ ...measured, pods: { read } }, custom, "fleet", pods);
    expect(reading).toEqual(new Map([["web-2", { value: 12_500, atMs: 0, windowMs: 0 }]]));
  });

  const object = { metric: { name: "hits" }, describedObject: { kind: "Service", name: "web" }, target };
  const failing = { read: () => Promise.reject(new Error("Prometheus cannot be asked.")) };
  const silent = { read: async () => new Map<string, number>() };
  it.each<[string, MetricSources, MetricSpec, string]>([
    ["no pod is measured", noMetrics, resource("cpu"), "no metrics returned from resource metrics API"],
    ["there is no source of Pods metrics", noMetrics, custom, "no custom metrics API (custom.metrics.k8s.io) registered"],
    ["the source fails", { ...noMetrics, pods: failing }, custom, "Prometheus cannot be asked."],
    ["the source knows nothing", { ...noMetrics, pods: silent }, custom, "no metrics returned from custom metrics API"],
    ["it is an Object metric", measured, { type: "Object", object }, "no custom metrics API (custom.metrics.k8s.io) registered"],
    [
      "it is an External metric",
      measured,
      { type: "External", external: { metric: { name: "queue" }, target } },
      "no external metrics API (external.metrics.k8s.io) registered",
    ],
  ])("are an error when %s", async (_, sources, spec, message) => {
    const reading = await readMetric(sources, spec, "fleet", pods);
    expect(reading instanceof MetricError ? reading.message : reading).toContain(message);
  });
});

describe("the address of Prometheus", () => {
  const service = { spec: { clusterIP: "127.11.0.9" } } as unknown as KubeObject;
  const get = <T extends KubeObject>(_: unknown, namespace: string, name: string) =>
    namespace === "monitoring" && name === "prometheus" ? (service as T) : undefined;

  it.each([
    ["http://prometheus.monitoring.svc:9090", "http://127.11.0.9:9090/"],
    ["http://prometheus.monitoring.svc.cluster.local/base", "http://127.11.0.9/base"],
    ["http://127.0.0.1:9090", "http://127.0.0.1:9090"],
    ["https://prometheus.example.org", "https://prometheus.example.org"],
  ])("%s is %s", (url, address) => expect(resolveService(url, { get })).toBe(address));

  it("is not known while its Service is not there", () => {
    expect(() => resolveService("http://prometheus.default.svc:9090", { get })).toThrow(MetricError);
  });
});

describe("the query for a Pods metric", () => {
  it("asks one value for each of the pods", () => {
    expect(podsQuery("fleet", { name: "queue_length" }, ["web-1", "web.2"])).toBe(
      'sum by (pod) (queue_length{namespace="fleet",pod=~"web-1|web\\\\.2"})',
    );
  });

  it("honours the metric's selector", () => {
    const selector = {
      matchLabels: { verb: 'G"ET' },
      matchExpressions: [
        { key: "code", operator: "In", values: ["200", "204"] },
        { key: "path", operator: "NotIn", values: ["/health"] },
        { key: "user", operator: "Exists" },
        { key: "bot", operator: "DoesNotExist" },
      ],
    };
    expect(podsQuery("fleet", { name: "requests", selector }, ["a"])).toBe(
      'sum by (pod) (requests{namespace="fleet",pod=~"a",verb="G\\"ET",code=~"200|204",path!~"/health",user!="",bot=""})',
    );
  });

  it.each([
    [{ name: "up} or vector(1" }],
    [{ name: "requests", selector: { matchLabels: { "app.kubernetes.io/name": "web" } } }],
    [{ name: "requests", selector: { matchExpressions: [{ key: "code", operator: "Gt", values: ["1"] }] } }],
  ])("refuses what Prometheus has no words for: %j", (metric) => {
    expect(() => podsQuery("fleet", metric, ["a"])).toThrow(MetricError);
  });
});
