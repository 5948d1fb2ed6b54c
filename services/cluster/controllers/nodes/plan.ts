import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../../timestamp.ts";
import type { Condition, Node, Taint } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import type { EvictionMode } from "./zones.ts";

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";
const unschedulable = "node.kubernetes.io/unschedulable";
const pressures: Record<string, string> = {
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  DiskPressure: "node.kubernetes.io/disk-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
  NetworkUnavailable: "node.kubernetes.io/network-unavailable",
};
const managed = new Set([notReady, unreachable, unschedulable, ...Object.values(pressures)]);

/** The conditions of a node whose kubelet has gone silent, or undefined when they already say so. */
export function unknownConditions({ status, metadata }: Node, now: Date): Condition[] | undefined {
  const before = status?.conditions ?? [];
  const time = timestamp(now);
  const silent = watched.map((type): Condition => {
    const current = findCondition(before, type);
    if (current?.status === "Unknown") return current;
    return current
      ? {
          ...current,
          status: "Unknown",
          reason: "NodeStatusUnknown",
          message: "Kubelet stopped posting node status.",
          lastTransitionTime: time,
        }
      : {
          type,
          status: "Unknown",
          reason: "NodeStatusNeverUpdated",
          message: "Kubelet never posted node status.",
          lastHeartbeatTime: metadata.creationTimestamp,
          lastTransitionTime: time,
        };
  });
  const others = before.filter(({ type }) => !watched.includes(type));
  const conditions = [...others, ...silent];
  const changed = silent.some((one) => !before.includes(one));
  return changed ? conditions : undefined;
}

/** The taints that follow from the node's state, or undefined when it has them already. Other taints stay as they are. */
export function desiredTaints({ spec, status }: Node, now: Date, mode: EvictionMode = "evict"): Taint[] | undefined {
  const before = spec?.taints ?? [];
  const ready = findCondition(status?.conditions, "Ready")?.status;
  const cause = ready === "True" ? undefined : ready === "Unknown" ? unreachable : notReady;
  const wanted: Taint[] = [];
  if (cause) wanted.push({ key: cause, effect: "NoSchedule" });
  const isEvicting = before.some(({ key, effect }) => effect === "NoExecute" && (key === notReady || key === unreachable));
  if (cause && (mode === "evict" || (mode === "hold" && isEvicting))) wanted.push({ key: cause, effect: "NoExecute" });
  for (const { type, status: value } of status?.conditions ?? []) {
    if (value === "True" && pressures[type]) wanted.push({ key: pressures[type], effect: "NoSchedule" });
  }
  if (spec?.unschedulable) wanted.push({ key: unschedulable, effect: "NoSchedule" });
  const kept = wanted.map((taint) => {
    const current = before.find(({ key, effect }) => key === taint.key && effect === taint.effect);
    return current ?? { ...taint, timeAdded: timestamp(now) };
  });
  const taints = [...before.filter(({ key }) => !managed.has(key)), ...kept];
  const comparable = (all: readonly Taint[]) => all.map(({ key, effect }) => `${key}:${effect}`).sort();
  return isDeepStrictEqual(comparable(taints), comparable(before)) ? undefined : taints;
}
