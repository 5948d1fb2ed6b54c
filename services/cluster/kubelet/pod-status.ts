import type { ContainerStatus, Pod, PodCondition, PodPhase, PodStatus } from "./pod.ts";
import { qosClass } from "./resources.ts";

export type StatusInput = {
  pod: Pod;
  hostIP: string;
  podIP: string | undefined;
  startTime: string;
  /** Volumes and address are there. */
  prepared: boolean;
  initialized: boolean;
  initContainers: ContainerStatus[];
  containers: ContainerStatus[];
  /** Why the pod has failed by itself: its deadline, an eviction. Its phase follows when all its processes have ended. */
  failure?: { reason: string; message: string };
  now: string;
};

/** The pod's status. Conditions that others keep (PodScheduled, readiness gates) and transition times are carried over. */
export function buildStatus(input: StatusInput): PodStatus {
  const { pod, hostIP, podIP, initContainers, containers } = input;
  const phase = phaseOf(input);
  return {
    ...pod.status,
    phase,
    ...(phase === "Failed" ? input.failure : {}),
    conditions: conditionsOf(input, phase),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    startTime: pod.status?.startTime ?? input.startTime,
    qosClass: qosClass([...pod.spec.containers, ...(pod.spec.initContainers ?? [])]),
    ...(initContainers.length > 0 ? { initContainerStatuses: initContainers } : {}),
    containerStatuses: containers,
  };
}

/** The phase as Kubernetes derives it from the containers. A final phase stays. */
export function phaseOf({ pod, initialized, initContainers, containers, failure }: StatusInput): PodPhase {
  const known = pod.status?.phase;
  if (known === "Succeeded" || known === "Failed") return known;
  const areRunning = [...initContainers, ...containers].some(({ state }) => state.running);
  if (failure) return areRunning ? (known ?? "Pending") : "Failed";
  const hasSucceeded = containers.every(({ state }) => state.terminated?.exitCode === 0);
  // Nothing of a deleted pod is started again: as Kubernetes has it since 1.27, its phase is final before its object goes.
  if (pod.metadata.deletionTimestamp && !areRunning) return initialized && hasSucceeded ? "Succeeded" : "Failed";
  const policy = pod.spec.restartPolicy ?? "Always";
  const sidecars = sidecarsOf(pod);
  if (!initialized) {
    const isFailed = ({ name, state }: ContainerStatus) =>
      !sidecars.has(name) && state.terminated && state.terminated.exitCode !== 0;
    return initContainers.some(isFailed) && policy === "Never" ? "Failed" : "Pending";
  }
  const isWaiting = containers.some(({ state, lastState }) => state.waiting && !lastState.terminated);
  if (isWaiting) return "Pending";
  if (areRunning) return "Running";
  if (policy === "Always") return "Running";
  if (hasSucceeded) return "Succeeded";
  if (policy === "Never") return "Failed";
  return "Running";
}

/** The names of init containers that run beside the others. */
function sidecarsOf(pod: Pod): Set<string> {
  const containers = pod.spec.initContainers ?? [];
  return new Set(containers.filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name));
}

function conditionsOf(input: StatusInput, phase: PodPhase): PodCondition[] {
  const { pod, prepared, initialized, initContainers, containers, now } = input;
  const previous = new Map((pod.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const isCompleted = phase === "Succeeded" || phase === "Failed";
  const names = sidecarsOf(pod);
  const sidecars = initContainers.filter(({ name }) => names.has(name));
  const unready = [...sidecars, ...containers].filter((container) => !container.ready).map(({ name }) => name);
  const isDone = ({ name, started, state }: ContainerStatus) =>
    names.has(name) ? state.running && started : state.terminated?.exitCode === 0;
  const incomplete = initContainers.filter((status) => !isDone(status)).map(({ name }) => name);
  const readiness: Partial<PodCondition> =
    phase === "Succeeded"
      ? { status: "False", reason: "PodCompleted" }
      : phase === "Failed"
        ? { status: "False", reason: "PodFailed" }
        : unready.length > 0
          ? { status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` }
          : { status: "True" };
  const notInitialized = {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.join(" ")}]`,
  } as const;
  const gates = (pod.spec as { readinessGates?: { conditionType: string }[] }).readinessGates ?? [];
  const closed = gates.find(({ conditionType }) => previous.get(conditionType)?.status !== "True");
  const ready: Partial<PodCondition> =
    readiness.status === "True" && closed
      ? {
          status: "False",
          reason: "ReadinessGatesNotReady",
          message: `corresponding condition of pod readiness gate "${closed.conditionType}" does not exist.`,
        }
      : readiness;
  const own: [string, Partial<PodCondition>][] = [
    ["PodReadyToStartContainers", { status: prepared && !isCompleted ? "True" : "False" }],
    [
      "Initialized",
      initialized ? { status: "True", ...(phase === "Succeeded" ? { reason: "PodCompleted" } : {}) } : notInitialized,
    ],
    ["Ready", ready],
    ["ContainersReady", readiness],
    ["PodScheduled", previous.get("PodScheduled") ?? { status: "True" }],
  ];
  const types = new Set(own.map(([type]) => type));
  const others = [...previous.values()].filter(({ type }) => !types.has(type));
  return [...own.map(([type, condition]) => withTransition({ type, ...condition }, previous.get(type), now)), ...others];
}

function withTransition(
  condition: Partial<PodCondition> & { type: string },
  previous: PodCondition | undefined,
  now: string,
): PodCondition {
  const status = condition.status ?? "Unknown";
  const lastTransitionTime = previous?.status === status ? (previous.lastTransitionTime ?? now) : now;
  return { lastProbeTime: null, ...condition, status, lastTransitionTime };
}

/** Whether two statuses say the same, whatever the order of their fields. */
export function isSameStatus(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
