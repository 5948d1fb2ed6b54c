import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { age, ageColumn, humanDuration, type TableFormat } from "./table.ts";

export const podTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Ready" },
    { name: "Status" },
    { name: "Restarts" },
    ageColumn,
    { name: "IP", wide: true },
    { name: "Node", wide: true },
    { name: "Nominated Node", wide: true },
    { name: "Readiness Gates", wide: true },
  ],
  row: (object, now) => {
    const pod = object as unknown as V1Pod;
    const { spec, status } = pod;
    const statuses = status?.containerStatuses ?? [];
    const restartable = (status?.initContainerStatuses ?? []).filter((one) => isSidecar(pod, one));
    const counted = [...restartable, ...statuses];
    const total =
      (spec?.containers.length ?? 0) + (spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always").length;
    return [
      object.metadata.name,
      `${counted.filter(({ ready }) => ready).length}/${total}`,
      podStatusText(pod),
      restartsText(pod, now),
      age(object.metadata.creationTimestamp, now),
      status?.podIP || "<none>",
      spec?.nodeName || "<none>",
      status?.nominatedNodeName || "<none>",
      readinessGates(pod),
    ];
  },
};

/** The word in the column STATUS. Source: pkg/printers/internalversion/printers.go. */
export function podStatusText(pod: V1Pod): string {
  const { metadata, status } = pod;
  let reason = status?.reason || status?.phase || "Unknown";
  if (status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated"))
    reason = "SchedulingGated";
  const initReason = initStatusText(pod);
  if (initReason) reason = initReason;
  else reason = containersText(pod, reason);
  if (!metadata?.deletionTimestamp) return reason;
  if (status?.reason === "NodeLost") return "Unknown";
  return status?.phase === "Succeeded" || status?.phase === "Failed" ? reason : "Terminating";
}

function initStatusText(pod: V1Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [index, one] of statuses.entries()) {
    const { terminated, waiting } = one.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isSidecar(pod, one) && one.started) continue;
    if (terminated) return `Init:${terminated.reason || exitText(terminated)}`;
    if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
  }
  return undefined;
}

function containersText(pod: V1Pod, initial: string): string {
  let reason = initial;
  let hasRunning = false;
  for (const { state, ready } of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = state.terminated.reason || exitText(state.terminated);
    else if (ready && state?.running) hasRunning = true;
  }
  if (reason !== "Completed" || !hasRunning) return reason;
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  return isReady ? "Running" : "NotReady";
}

function exitText({ signal, exitCode }: { signal?: number; exitCode: number }): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function restartsText(pod: V1Pod, now: Date): string {
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []).filter((one) => isSidecar(pod, one)),
    ...(pod.status?.containerStatuses ?? []),
  ];
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ends = statuses
    .map(({ lastState }) => Date.parse(String(lastState?.terminated?.finishedAt ?? "")))
    .filter((time) => !Number.isNaN(time));
  if (restarts === 0 || ends.length === 0) return String(restarts);
  return `${restarts} (${humanDuration((now.getTime() - Math.max(...ends)) / 1000)} ago)`;
}

function isSidecar(pod: V1Pod, { name }: V1ContainerStatus): boolean {
  return pod.spec?.initContainers?.some((one) => one.name === name && one.restartPolicy === "Always") ?? false;
}

function readinessGates({ spec, status }: V1Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const met = gates.filter(({ conditionType }) =>
    status?.conditions?.some((one) => one.type === conditionType && one.status === "True"),
  );
  return `${met.length}/${gates.length}`;
}
