import { timestamp } from "../../timestamp.ts";
import type { Condition, Container, Node, Pod, PodStatus } from "../objects.ts";
import { findCondition, hasEnded } from "../pod-state.ts";

/** A node with this label set to "true" has no kubelet: it runs nothing, and reports its pods as running. */
export const virtualLabel = "switchyard.dev/virtual";

/** Where the addresses of virtual pods and nodes come from. Nobody ever dials them. */
const podAddressCount = 2 ** 20;
const podNetwork = 192;
const nodeNetwork = 208;

const roomyNode = { cpu: "32", memory: "256Gi", pods: "250" };

export function isVirtual(node: Node | undefined): node is Node {
  return node?.metadata.labels?.[virtualLabel] === "true" && node.metadata.deletionTimestamp === undefined;
}

/** Every address of virtual pods, in turn: 127.192.0.1 to 127.207.255.255. */
export function podAddress(index: number): string {
  return loopback(podNetwork, 1 + (index % (podAddressCount - 1)));
}

/** An address of a virtual node that follows from its name. */
export function nodeAddress(name: string): string {
  return loopback(nodeNetwork, 1 + (hashOf(name) % (2 ** 20 - 1)));
}

/** How long a lease is kept before it is renewed: 7 to 10 s, each node at its own pace, so that they do not all write at once. */
export function renewalMs(name: string): number {
  return 7_000 + (hashOf(name) % 3_000);
}

function hashOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 0x3fffffff;
  return hash;
}

function loopback(network: number, number: number): string {
  return `127.${network + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/** The status of a virtual node, or undefined when it says this already. Capacity that somebody declared stays. */
export function nodeStatus(node: Node, now: Date): Node["status"] | undefined {
  const { name } = node.metadata;
  const before = node.status ?? {};
  const capacity = { ...roomyNode, ...before.capacity };
  const conditions = nodeConditions(before.conditions ?? [], timestamp(now));
  const isComplete = before.capacity && before.allocatable && before.addresses;
  if (isComplete && conditions.every((one) => before.conditions?.includes(one))) return undefined;
  return {
    ...before,
    capacity,
    allocatable: { ...capacity, ...before.allocatable },
    addresses: [
      { type: "InternalIP", address: nodeAddress(name) },
      { type: "Hostname", address: name },
    ],
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "virtual://1",
      kernelVersion: "virtual",
      kubeProxyVersion: "v1.34.0-switchyard",
      kubeletVersion: "v1.34.0-switchyard-virtual",
      machineID: "",
      operatingSystem: "linux",
      osImage: "virtual node",
      systemUUID: "",
    },
    conditions,
  };
}

function nodeConditions(before: readonly Condition[], now: string): Condition[] {
  const own: Condition[] = [
    { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory", message: "the node is virtual" },
    { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "the node is virtual" },
    { type: "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "the node is virtual" },
    { type: "Ready", status: "True", reason: "KubeletReady", message: "the node is virtual" },
  ];
  const merged = own.map((condition) => {
    const current = findCondition(before, condition.type);
    if (current?.status === condition.status && current.reason === condition.reason) return current;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: now };
  });
  return [...before.filter(({ type }) => !own.some((one) => one.type === type)), ...merged];
}

/** The status of a pod that runs on a virtual node, or undefined when there is nothing to report. */
export function runningStatus(pod: Pod, takeAddress: () => string, now: Date): PodStatus | undefined {
  if (hasEnded(pod)) return undefined;
  const before = pod.status ?? {};
  const time = timestamp(now);
  const conditions = podConditions(pod, time);
  const isRunning = before.phase === "Running" && before.podIP !== undefined;
  if (isRunning && conditions.every((one) => before.conditions?.includes(one))) return undefined;
  const podIP = before.podIP ?? takeAddress();
  const hostIP = nodeAddress(pod.spec.nodeName ?? "");
  const { containers, initContainers = [] } = pod.spec;
  return {
    ...before,
    phase: "Running",
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: before.startTime ?? time,
    conditions,
    ...(initContainers.length > 0 ? { initContainerStatuses: initContainers.map((one) => initStatus(pod, one, time)) } : {}),
    containerStatuses: containers.map((one) => containerStatus(pod, one, time)),
  };
}

function podConditions(pod: Pod, now: string): Condition[] {
  const before = pod.status?.conditions ?? [];
  const gates = (pod.spec.readinessGates ?? []) as { conditionType: string }[];
  const closed = gates.find(({ conditionType }) => findCondition(before, conditionType)?.status !== "True");
  const ready: Condition = closed
    ? {
        type: "Ready",
        status: "False",
        reason: "ReadinessGatesNotReady",
        message: `corresponding condition of pod readiness gate "${closed.conditionType}" does not exist.`,
      }
    : { type: "Ready", status: "True" };
  const always = ["PodReadyToStartContainers", "Initialized", "ContainersReady", "PodScheduled"];
  const own: Condition[] = [...always.map((type): Condition => ({ type, status: "True" })), ready];
  const merged = own.map((condition) => {
    const current = findCondition(before, condition.type);
    if (current?.status === condition.status && current.reason === condition.reason) return current;
    return { lastProbeTime: null, ...condition, lastTransitionTime: now };
  });
  return [...before.filter(({ type }) => !own.some((one) => one.type === type)), ...merged];
}

function containerStatus(pod: Pod, { name, image }: Container, startedAt: string): { name: string; restartCount: number } {
  const known = { name, image, imageID: "", containerID: containerId(pod, name) };
  const state = { state: { running: { startedAt } }, lastState: {} };
  return { ...known, ...state, ready: true, started: true, restartCount: 0 } as { name: string; restartCount: number };
}

function initStatus(pod: Pod, { name, image }: Container, time: string): object {
  const terminated = { exitCode: 0, reason: "Completed", startedAt: time, finishedAt: time, containerID: containerId(pod, name) };
  return { name, image, imageID: "", ready: true, restartCount: 0, state: { terminated }, lastState: {} };
}

function containerId({ metadata }: Pod, name: string): string {
  return `virtual://${metadata.uid}/${name}`;
}
