import { beforeEach, describe, expect, it } from "vitest";
import { containerMetrics } from "./container-metrics.ts";
import { type ProcessMemory, type ProcessSource, ProcessTree } from "./process-table.ts";
import { statsSummary } from "./stats-summary.ts";
import { type RunningContainer, UsageSampler } from "./usage.ts";

const MiB = 2 ** 20;

/** A process table that the tests write: pid -> parent, ticks, memory. */
class FakeProcesses implements ProcessSource {
  readonly entries = new Map<number, { parent: number; cpuTicks: number; memory: ProcessMemory }>();

  add(pid: number, parent: number, cpuTicks = 0, memory: Partial<ProcessMemory> = {}): void {
    this.entries.set(pid, { parent, cpuTicks, memory: { anonymous: 0, file: 0, shared: 0, ...memory } });
  }

  pids = () => [...this.entries.keys()];
  memory = (pid: number) => this.entries.get(pid)?.memory;
  stat = (pid: number) => {
    const entry = this.entries.get(pid);
    return entry && { pid, state: "S", startTime: 0, ...entry };
  };
}

let processes: FakeProcesses;
let nowMs: number;
let killed: number;
let containers: RunningContainer[];
let sampler: UsageSampler;

beforeEach(() => {
  processes = new FakeProcesses();
  processes.add(1, 0);
  processes.add(10, 1, 100, { anonymous: 40 * MiB });
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  killed = 0;
  containers = [
    {
      id: "abc",
      namespace: "fleet",
      pod: "relay-1",
      podUid: "uid-1",
      qosClass: "Burstable",
      name: "relay",
      image: "switchyard/relay:2.0.0",
      startedAt: new Date(nowMs),
      roots: () => [20],
      memoryLimitBytes: 100 * MiB,
      oomKills: 0,
      killForMemory: () => {
        killed += 1;
      },
    },
  ];
  sampler = new UsageSampler({ containers: () => containers, source: processes, ownPid: 10, now: () => nowMs });
});

describe("the tree of processes", () => {
  it("keeps a process whose parent ended under the one that took it over", () => {
    const tree = new ProcessTree(processes);
    processes.add(20, 10);
    processes.add(21, 20);
    processes.add(22, 21);
    tree.refresh();
    expect(tree.below([20]).sort()).toEqual([20, 21, 22]);
    processes.entries.delete(21);
    processes.add(22, 20);
    tree.refresh();
    expect(tree.below([20]).sort()).toEqual([20, 22]);
    expect(tree.below([99])).toEqual([]);
  });
});

describe("usage", () => {
  it("is the sum of a container's processes, with shared pages counted once", () => {
    processes.add(20, 10, 150, { anonymous: 10 * MiB, file: 30 * MiB, shared: 8 * MiB });
    processes.add(21, 20, 50, { anonymous: 5 * MiB, file: 20 * MiB, shared: 8 * MiB });
    sampler.look();
    const [container] = sampler.sample.containers;
    expect(container).toMatchObject({ cpuSeconds: 2, workingSetBytes: 53 * MiB, rssBytes: 15 * MiB });
    expect(container?.nanoCores).toBeUndefined();
    expect(sampler.sample.node).toMatchObject({ cpuSeconds: 3, rssBytes: 55 * MiB });
  });

  it("of a processor is the growth between two samples", () => {
    processes.add(20, 10, 100);
    sampler.look();
    nowMs += 5_000;
    processes.add(20, 10, 350);
    sampler.look();
    expect(sampler.sample.containers[0]).toMatchObject({ cpuSeconds: 3.5, nanoCores: 500_000_000 });
  });

  it("of a processor never falls when a process ends that nobody waited for", () => {
    processes.add(20, 10, 100);
    processes.add(21, 20, 400);
    sampler.look();
    nowMs += 5_000;
    processes.entries.delete(21);
    sampler.look();
    expect(sampler.sample.containers[0]).toMatchObject({ cpuSeconds: 5, nanoCores: 0 });
    nowMs += 5_000;
    processes.add(20, 10, 200);
    sampler.look();
    expect(sampler.sample.containers[0]).toMatchObject({ cpuSeconds: 6, nanoCores: 200_000_000 });
  });
});

describe("a memory limit", () => {
  it("kills the container whose own and shared pages exceed it, pages of files aside", () => {
    processes.add(20, 10, 0, { anonymous: 60 * MiB, file: 500 * MiB, shared: 40 * MiB });
    sampler.look();
    expect(killed).toBe(0);
    processes.add(21, 20, 0, { anonymous: 1 });
    sampler.look();
    expect(killed).toBe(1);
  });

  it("that is not set never kills", () => {
    containers = containers.map((container) => ({ ...container, memoryLimitBytes: 0 }));
    processes.add(20, 10, 0, { anonymous: 9000 * MiB });
    sampler.look();
    expect(killed).toBe(0);
  });
});

describe("what others read", () => {
  beforeEach(() => {
    processes.add(20, 10, 150, { anonymous: 10 * MiB, file: 30 * MiB });
    sampler.look();
    nowMs += 5_000;
    sampler.look();
  });

  it("is Kubernetes' stats summary", () => {
    const time = "2026-01-01T00:00:05.000Z";
    const startTime = "2026-01-01T00:00:00.000Z";
    expect(statsSummary(sampler.sample, "node-1")).toEqual({
      node: {
        nodeName: "node-1",
        startTime,
        cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: 2_500_000_000 },
        memory: { time, workingSetBytes: 80 * MiB, rssBytes: 50 * MiB },
      },
      pods: [
        {
          podRef: { name: "relay-1", namespace: "fleet", uid: "uid-1" },
          startTime,
          containers: [
            {
              name: "relay",
              startTime,
              cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: 1_500_000_000 },
              memory: { time, workingSetBytes: 40 * MiB, rssBytes: 10 * MiB },
            },
          ],
        },
      ],
    });
  });

  it("has cAdvisor's names and labels", () => {
    const text = containerMetrics(sampler.sample, { cpu: 4, memoryBytes: 8 * 2 ** 30 });
    const labels =
      'container="relay",id="/kubepods/burstable/poduid-1/abc",image="switchyard/relay:2.0.0",name="abc",namespace="fleet",pod="relay-1"';
    expect(text.split("\n").filter((line) => line && !line.startsWith("#"))).toEqual([
      `container_cpu_usage_seconds_total{${labels}} 1.50`,
      `container_memory_working_set_bytes{${labels}} ${40 * MiB}`,
      `container_memory_rss{${labels}} ${10 * MiB}`,
      `container_spec_memory_limit_bytes{${labels}} ${100 * MiB}`,
      `container_oom_events_total{${labels}} 0`,
      `container_start_time_seconds{${labels}} 1767225600.000`,
      "machine_cpu_cores 4",
      `machine_memory_bytes ${8 * 2 ** 30}`,
    ]);
    expect(text.match(/^# TYPE/gm)).toHaveLength(8);
  });
});
