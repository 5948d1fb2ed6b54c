import { describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import type { KubeObject } from "../api.ts";
import { MetricsCollector } from "./collector.ts";
import { bytesQuantity, goDuration, milliQuantity, nanoQuantity } from "./quantities.ts";
import { parseSummary } from "./summary.ts";
import { nodeUsage, podUsage, withReading } from "./usage.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");

type Told = { atSeconds: number; cpuSeconds: number; memoryBytes?: number; startedSeconds?: number };

function stats({ atSeconds, cpuSeconds, memoryBytes = 4096, startedSeconds = 0 }: Told) {
  const time = new Date(startMs + atSeconds * 1000).toISOString();
  return {
    startTime: new Date(startMs + startedSeconds * 1000).toISOString(),
    cpu: { time, usageCoreNanoSeconds: Math.round(cpuSeconds * 1e9) },
    memory: { time, workingSetBytes: memoryBytes },
  };
}

function summary(pods: Record<string, Record<string, Told>>, node: Told = { atSeconds: 0, cpuSeconds: 0 }) {
  return {
    node: { nodeName: "node-1", ...stats(node) },
    pods: Object.entries(pods).map(([uid, containers]) => ({
      podRef: { uid, name: uid, namespace: "fleet" },
      containers: Object.entries(containers).map(([name, told]) => ({ name, ...stats(told) })),
    })),
  };
}

const read = (...summaries: object[]) =>
  summaries.map(parseSummary).reduce<ReturnType<typeof withReading> | undefined>(withReading, undefined);

describe("rates from two samples of a kubelet", () => {
  it("are the growth of the cpu counter over the time between the samples", () => {
    const readings = read(
      summary({ a: { main: { atSeconds: 0, cpuSeconds: 5 } } }, { atSeconds: 0, cpuSeconds: 10 }),
      summary(
        { a: { main: { atSeconds: 10, cpuSeconds: 7.5, memoryBytes: 8192 } } },
        { atSeconds: 10, cpuSeconds: 25, memoryBytes: 1e6 },
      ),
    );
    const usage = { atMs: startMs + 10_000, windowMs: 10_000, cpuNanoCores: 250_000_000, memoryBytes: 8192 };
    expect(readings && podUsage(readings, "a")?.containers).toEqual([{ name: "main", usage }]);
    expect(readings && nodeUsage(readings)).toMatchObject({ cpuNanoCores: 1_500_000_000, memoryBytes: 1e6 });
  });

  it("wait for a second sample, and for every container of the pod", () => {
    const once = read(summary({ a: { main: { atSeconds: 0, cpuSeconds: 1 } } }));
    expect(once && podUsage(once, "a")).toBeUndefined();
    const half = read(
      summary({ a: { main: { atSeconds: 0, cpuSeconds: 1 } } }),
      summary({ a: { main: { atSeconds: 10, cpuSeconds: 2 }, late: { atSeconds: 10, cpuSeconds: 0 } } }),
    );
    expect(half && podUsage(half, "a")).toBeUndefined();
  });

  it("stay while the kubelet shows the same sample again", () => {
    const readings = read(
      summary({ a: { main: { atSeconds: 0, cpuSeconds: 0 } } }),
      summary({ a: { main: { atSeconds: 5, cpuSeconds: 1 } } }),
      summary({ a: { main: { atSeconds: 5, cpuSeconds: 1 } } }),
    );
    expect(readings && podUsage(readings, "a")).toMatchObject({ atMs: startMs + 5000, windowMs: 5000 });
  });

  it("begin anew when a container was restarted", () => {
    const restarted = summary({ a: { main: { atSeconds: 10, cpuSeconds: 9, startedSeconds: 8 } } });
    const readings = read(summary({ a: { main: { atSeconds: 0, cpuSeconds: 5 } } }), restarted);
    expect(readings && podUsage(readings, "a")).toBeUndefined();
  });

  it("forget a pod that the kubelet no longer tells of", () => {
    const pod = (atSeconds: number) => summary({ a: { main: { atSeconds, cpuSeconds: atSeconds } } });
    const readings = read(pod(0), pod(10), summary({}), pod(30));
    expect(readings && podUsage(readings, "a")).toBeUndefined();
  });
});

describe("the collector", () => {
  const node = (name: string, changes: { labels?: Record<string, string>; port?: number } = {}) =>
    ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: changes.labels },
      status: {
        addresses: [{ type: "InternalIP", address: "127.10.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: changes.port ?? 10250 } },
      },
    }) as unknown as KubeObject;
  const pod = { metadata: { uid: "a" }, spec: { nodeName: "node-1" } } as unknown as KubeObject;

  function collectorOf(nodes: KubeObject[], ask: (node: string) => object | Error) {
    const time = { seconds: 0 };
    const collector = new MetricsCollector({
      cluster: { list: <T extends KubeObject>() => nodes as T[] },
      ask: async (kubelet) => {
        const answer = ask(kubelet.node);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      logger: createLogger("metrics-test", "silent"),
      now: () => new Date(startMs + time.seconds * 1000),
    });
    const collectAt = async (seconds: number) => {
      time.seconds = seconds;
      await collector.collect(new AbortController().signal);
    };
    return { collector, collectAt, time };
  }

  const growing = (seconds: () => number) => () =>
    summary(
      { a: { main: { atSeconds: seconds(), cpuSeconds: seconds() } } },
      { atSeconds: seconds(), cpuSeconds: 2 * seconds() },
    );

  it("gives the use of pods and nodes after two rounds", async () => {
    let now = 0;
    const { collector, collectAt } = collectorOf(
      [node("node-1")],
      growing(() => now),
    );
    await collectAt(0);
    expect(collector.findPod(pod)).toBeUndefined();
    now = 10;
    await collectAt(10);
    expect(collector.findPod(pod)?.containers[0]?.usage.cpuNanoCores).toBe(1e9);
    expect(collector.findNode("node-1")?.cpuNanoCores).toBe(2e9);
  });

  it("drops a node that does not answer or answers something else, and keeps the others", async () => {
    let now = 0;
    let answer: object | Error | undefined;
    const tell = growing(() => now);
    const { collector, collectAt } = collectorOf([node("node-1"), node("node-2")], (name) =>
      name === "node-1" && answer ? answer : tell(),
    );
    for (const failure of [new Error("connection refused"), { node: "nonsense" }]) {
      answer = undefined;
      await collectAt(now);
      now += 10;
      await collectAt(now);
      expect(collector.findNode("node-1")).toBeDefined();
      answer = failure;
      now += 10;
      await collectAt(now);
      expect(collector.findNode("node-1")).toBeUndefined();
      expect(collector.findPod(pod)).toBeUndefined();
      expect(collector.findNode("node-2")).toBeDefined();
    }
  });

  it("does not tell values that have become stale", async () => {
    let now = 0;
    const { collector, collectAt, time } = collectorOf(
      [node("node-1")],
      growing(() => now),
    );
    await collectAt(0);
    now = 10;
    await collectAt(10);
    time.seconds = 50;
    expect(collector.findPod(pod)).toBeDefined();
    time.seconds = 51;
    expect(collector.findPod(pod)).toBeUndefined();
    expect(collector.findNode("node-1")).toBeUndefined();
  });

  it("does not let a node that hangs keep the others waiting", async () => {
    let now = 0;
    const tell = growing(() => now);
    const hangs = new Promise<object>(() => {});
    const { collector, collectAt } = collectorOf([node("node-1"), node("node-2")], (name) =>
      name === "node-2" ? hangs : tell(),
    );
    void collectAt(0);
    await new Promise((resolve) => setImmediate(resolve));
    now = 10;
    void collectAt(10);
    await new Promise((resolve) => setImmediate(resolve));
    expect(collector.findNode("node-1")).toBeDefined();
  });

  it("forgets a node that was removed", async () => {
    let now = 0;
    const nodes = [node("node-1")];
    const { collector, collectAt } = collectorOf(
      nodes,
      growing(() => now),
    );
    await collectAt(0);
    now = 10;
    await collectAt(10);
    expect(collector.findNode("node-1")).toBeDefined();
    nodes.pop();
    await collectAt(20);
    expect(collector.findNode("node-1")).toBeUndefined();
  });

  it("asks neither virtual nodes nor nodes without a kubelet's port", async () => {
    const asked: string[] = [];
    const virtual = node("virtual-1", { labels: { "switchyard.dev/virtual": "true" } });
    const { collectAt } = collectorOf([node("node-1"), virtual, node("node-2", { port: 0 })], (name) => {
      asked.push(name);
      return summary({});
    });
    await collectAt(0);
    expect(asked).toEqual(["node-1"]);
  });
});

describe("quantities", () => {
  it.each([
    [0, "0"],
    [250, "250m"],
    [1500, "1500m"],
    [2000, "2"],
    [12_000_000, "12k"],
    [134_514_005_333, "134514005333m"],
    [104_857_600_000, "104857600"],
  ])("writes %i thousandths as %s", (value, text) => expect(milliQuantity(value)).toBe(text));

  it("writes cpu in billionths, bytes in binary units, and durations as Go does", () => {
    expect([nanoQuantity(0), nanoQuantity(101_350_918)]).toEqual(["0", "101350918n"]);
    expect([bytesQuantity(5000), bytesQuantity(12_640_256), bytesQuantity(2 ** 21)]).toEqual(["5000", "12344Ki", "2Mi"]);
    expect([goDuration(10_000), goDuration(9870), goDuration(60_500)]).toEqual(["10s", "9.87s", "1m0.5s"]);
  });
});
