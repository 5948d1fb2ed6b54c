import { z } from "zod";

/** What is read of a kubelet's /stats/summary (Kubernetes: staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1). */
const usage = {
  startTime: z.iso.datetime({ offset: true }).optional(),
  cpu: z.object({ time: z.iso.datetime({ offset: true }), usageCoreNanoSeconds: z.number().nonnegative() }),
  memory: z.object({ workingSetBytes: z.number().nonnegative() }),
};

const summarySchema = z.object({
  node: z.object(usage),
  pods: z.array(
    z.object({
      podRef: z.object({ uid: z.string() }),
      containers: z.array(z.object({ name: z.string(), ...usage })),
    }),
  ),
});

/** What one thing had used at one time. CPU is a counter of nanoseconds since `startedMs`. */
export type Point = { atMs: number; startedMs: number; cpuNanoSeconds: number; memoryBytes: number };

/** Everything that a kubelet told at one time: its node, and the containers of its pods by uid and name. */
export type Reading = { node: Point; pods: Map<string, Map<string, Point>> };

/** Reads a summary; throws when it has another form. */
export function parseSummary(value: unknown): Reading {
  const { node, pods } = summarySchema.parse(value);
  const containers = pods.map(({ podRef, containers }): [string, Map<string, Point>] => [
    podRef.uid,
    new Map(containers.map((container) => [container.name, pointOf(container)])),
  ]);
  return { node: pointOf(node), pods: new Map(containers) };
}

function pointOf({ startTime, cpu, memory }: z.infer<typeof summarySchema>["node"]): Point {
  return {
    atMs: Date.parse(cpu.time),
    startedMs: startTime ? Date.parse(startTime) : 0,
    cpuNanoSeconds: cpu.usageCoreNanoSeconds,
    memoryBytes: memory.workingSetBytes,
  };
}
