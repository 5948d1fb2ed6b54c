import type { ContainerUsage, Sample } from "./usage.ts";

type Capacity = { cpu: number; memoryBytes: number };

/** A sample under cAdvisor's names in Prometheus' text format. The node's machine is as large as it declares to be. */
export function containerMetrics({ containers }: Sample, { cpu, memoryBytes }: Capacity): string {
  const family = (name: string, type: string, help: string, value: (container: ContainerUsage) => number | string) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...containers.map((container) => `${name}{${labelsOf(container)}} ${value(container)}`),
  ];
  const machine = (name: string, help: string, value: number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    `${name} ${value}`,
  ];
  return [
    ...family(
      "container_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed, of the container's processes and those they waited for.",
      ({ cpuSeconds }) => cpuSeconds.toFixed(2),
    ),
    ...family(
      "container_memory_working_set_bytes",
      "gauge",
      "Resident memory of the container's processes, pages that they share counted once.",
      ({ workingSetBytes }) => workingSetBytes,
    ),
    ...family(
      "container_memory_rss",
      "gauge",
      "Anonymous resident memory of the container's processes.",
      ({ rssBytes }) => rssBytes,
    ),
    ...family(
      "container_spec_memory_limit_bytes",
      "gauge",
      "Memory limit for the container, 0 for none.",
      ({ memoryLimitBytes }) => memoryLimitBytes,
    ),
    ...family(
      "container_oom_events_total",
      "counter",
      "How often the container was killed for its memory.",
      ({ oomKills }) => oomKills,
    ),
    ...family("container_start_time_seconds", "gauge", "Start time of the container since unix epoch.", ({ startedAt }) =>
      (startedAt.getTime() / 1000).toFixed(3),
    ),
    ...machine("machine_cpu_cores", "Number of cpus that the node declares.", cpu),
    ...machine("machine_memory_bytes", "Amount of memory that the node declares.", memoryBytes),
    "",
  ].join("\n");
}

function labelsOf({ name, id, image, namespace, pod, podUid, qosClass }: ContainerUsage): string {
  const quality = qosClass === "Guaranteed" ? "" : `/${qosClass.toLowerCase()}`;
  const labels = { container: name, id: `/kubepods${quality}/pod${podUid}/${id}`, image, name: id, namespace, pod };
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(",");
}
