import type { ContainerStatus, Pod } from "#lib/kubernetes/objects.ts";

/** What the columns of `kubectl get pods` say of a pod, and the message behind a status that is not Running. */
export type PodStatus = { status: string; message: string | null; ready: boolean; restarts: number };

/** The same decisions as kubectl's printer: kubernetes/kubernetes, pkg/printers/internalversion/printers.go, printPod. */
export function readPodStatus(pod: Pod): PodStatus {
  const phase = pod.status?.phase ?? "Pending";
  const initial = { status: pod.status?.reason || gatedReason(pod) || phase, message: pod.status?.message ?? null };
  const initialising = readInitStatus(pod);
  const initialised = hasCondition(pod, "Initialized");
  let { status, message } = initialising ?? initial;
  let restarts = sum((pod.status?.initContainerStatuses ?? []).map((container) => container.restartCount));
  if (!initialising || initialised) {
    const main = readMainStatus(pod, initialising ?? initial);
    ({ status, message } = main);
    restarts = sum((pod.status?.containerStatuses ?? []).map((container) => container.restartCount));
  }
  if (pod.metadata.deletionTimestamp) {
    if (pod.status?.reason === "NodeLost") status = "Unknown";
    else if (phase !== "Succeeded" && phase !== "Failed") status = "Terminating";
  }
  if (status === "Pending" && !message) message = unscheduledMessage(pod);
  return { status, message, ready: hasCondition(pod, "Ready"), restarts };
}

type Reading = { status: string; message: string | null };

function readInitStatus(pod: Pod): Reading | null {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const sidecars = new Set(
    (pod.spec.initContainers ?? [])
      .filter((container) => container.restartPolicy === "Always")
      .map((container) => container.name),
  );
  for (const [index, container] of statuses.entries()) {
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started) continue;
    if (terminated) return { status: `Init:${endedReason(terminated)}`, message: terminated.message ?? null };
    if (waiting?.reason && waiting.reason !== "PodInitializing")
      return { status: `Init:${waiting.reason}`, message: waiting.message ?? null };
    return { status: `Init:${index}/${pod.spec.initContainers?.length ?? statuses.length}`, message: null };
  }
  return null;
}

function readMainStatus(pod: Pod, initial: Reading): Reading {
  let reading = initial;
  let hasRunning = false;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    const { waiting, terminated, running } = container.state ?? {};
    if (waiting?.reason) reading = { status: waiting.reason, message: waiting.message ?? null };
    else if (terminated) reading = { status: endedReason(terminated), message: terminated.message ?? null };
    else if (container.ready && running) hasRunning = true;
  }
  if (reading.status === "Completed" && hasRunning)
    return { status: hasCondition(pod, "Ready") ? "Running" : "NotReady", message: null };
  return reading;
}

function endedReason(terminated: { reason?: string; signal?: number; exitCode: number }): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function gatedReason(pod: Pod): string | null {
  const gated = pod.status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated");
  return gated ? "SchedulingGated" : null;
}

function unscheduledMessage(pod: Pod): string | null {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.status === "False" ? (scheduled.message ?? null) : null;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}

/** The last end of any of the pod's containers, with the time it happened; null when none has ended yet. */
export function findLastRestart(pod: Pod): { reason: string; exitCode: number | null; at: string | null } | null {
  const ended = (pod.status?.containerStatuses ?? [])
    .map((container: ContainerStatus) => container.lastState?.terminated)
    .filter((terminated) => terminated !== undefined)
    .toSorted((a, b) => (b.finishedAt ?? "").localeCompare(a.finishedAt ?? ""));
  const last = ended[0];
  return last ? { reason: endedReason(last), exitCode: last.exitCode, at: last.finishedAt ?? null } : null;
}

const failingReasons =
  /^(Init:)?(CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError|Error|OOMKilled|ContainerCannotRun|StartError|DeadlineExceeded|Evicted|UnexpectedAdmissionError|Failed|Signal:\d+|ExitCode:[1-9]\d*)$/;

/** Whether a status from `readPodStatus` means that the pod cannot do its work by itself. */
export function isFailing(status: string): boolean {
  return failingReasons.test(status);
}
