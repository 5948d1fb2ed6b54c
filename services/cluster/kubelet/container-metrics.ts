import type { PodWorker } from "./pod-worker.ts";
import { readProcesses, usageOf } from "./process-table.ts";

/** CPU and memory of every running container under cAdvisor's names, in Prometheus' text format, from one look at /proc. */
export function containerMetrics(workers: Iterable<Pick<PodWorker, "pod" | "slots">>): string {
  const processes = readProcesses();
  const cpu: string[] = [];
  const memory: string[] = [];
  for (const { pod, slots } of workers) {
    for (const slot of slots) {
      const pid = slot.process?.mainPid;
      if (pid === undefined) continue;
      const usage = usageOf(pid, processes);
      const labels = labelText({
        container: slot.name,
        image: slot.image,
        namespace: pod.metadata.namespace,
        pod: pod.metadata.name,
      });
      cpu.push(`container_cpu_usage_seconds_total{${labels}} ${usage.cpuSeconds.toFixed(2)}`);
      memory.push(`container_memory_working_set_bytes{${labels}} ${usage.memoryBytes}`);
    }
  }
  return [
    "# HELP container_cpu_usage_seconds_total Cumulative cpu time consumed, of the container's processes and those they waited for.",
    "# TYPE container_cpu_usage_seconds_total counter",
    ...cpu,
    "# HELP container_memory_working_set_bytes Resident memory of the container's processes.",
    "# TYPE container_memory_working_set_bytes gauge",
    ...memory,
    "",
  ].join("\n");
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",");
}
