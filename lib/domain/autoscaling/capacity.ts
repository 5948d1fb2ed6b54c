import type { Container, Node, Pod, PodTemplate } from "#lib/kubernetes/objects.ts";
import { parseQuantity } from "#lib/kubernetes/quantity.ts";

/** The parts of a pod's specification that decide where it finds room. */
type PlacedSpec = {
  containers: SizedContainer[];
  initContainers?: SizedContainer[];
  overhead?: Quantities;
  nodeSelector?: Record<string, string>;
  tolerations?: { key?: string; operator?: string; value?: string; effect?: string }[];
};
type SizedContainer = Container & { resources?: { requests?: Quantities; limits?: Quantities } };
type Quantities = Record<string, string | number>;

/** By resource, in thousandths, so that sums of "100m" stay whole; "pods" is one of them. */
type Amounts = Map<string, number>;

const thousandth = 1_000;
const defaultPodsOfNode = 110;

/**
 * How many more pods of the template the nodes can take by what is requested of them now, as the scheduler counts it. Affinity,
 * spread and host ports are not counted: they can only make it less.
 */
export function countRoom(template: PodTemplate, nodes: readonly Node[], pods: readonly Pod[]): number {
  const spec = placedSpecOf(template);
  const needed = requestsOf(spec);
  const podsByNode = Map.groupBy(pods.filter(takesRoom), ({ spec: { nodeName } }) => nodeName ?? "");
  return nodes
    .filter((node) => isOpenTo(node, spec))
    .reduce((sum, node) => sum + roomOn(node, podsByNode.get(node.metadata.name) ?? [], needed), 0);
}

/** Whether the pod is on a node and has not ended. */
export function takesRoom({ spec, status }: Pod): boolean {
  return Boolean(spec.nodeName) && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

/** Whether the template has rules of placement that countRoom does not count. */
export function hasUncountedRules({ spec }: PodTemplate): boolean {
  const rules = JSON.stringify([spec.affinity, spec.topologySpreadConstraints]);
  return rules.includes("requiredDuringSchedulingIgnoredDuringExecution") || rules.includes("DoNotSchedule");
}

function roomOn({ status }: Node, pods: readonly Pod[], needed: Amounts): number {
  const allocatable: Amounts = new Map([["pods", defaultPodsOfNode * thousandth], ...amountsOf(status?.allocatable)]);
  const used: Amounts = new Map();
  for (const pod of pods) add(used, requestsOf(placedSpecOf(pod)));
  const fits = [...needed]
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => Math.floor(((allocatable.get(name) ?? 0) - (used.get(name) ?? 0)) / amount));
  return Math.max(0, Math.min(...fits));
}

/** The larger of the containers' sum (with sidecars) and the most demanding init container, plus overhead, and one pod. */
function requestsOf({ containers, initContainers = [], overhead }: PlacedSpec): Amounts {
  const running: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of initContainers) {
    const atThatTime = new Map(running);
    add(atThatTime, containerRequests(container));
    raise(starting, atThatTime);
    if (container.restartPolicy === "Always") add(running, containerRequests(container));
  }
  for (const container of containers) add(running, containerRequests(container));
  raise(running, starting);
  add(running, new Map(amountsOf(overhead)));
  return running.set("pods", thousandth);
}

/** A limit without a request counts as the request, as the API server's defaulting has it. */
function containerRequests({ resources }: SizedContainer): Amounts {
  return new Map(amountsOf({ ...resources?.limits, ...resources?.requests }));
}

/** Nodes seldom run out of disk by requests, and not all declare it. */
function amountsOf(quantities: Quantities = {}): [string, number][] {
  return Object.entries(quantities)
    .filter(([name]) => name !== "ephemeral-storage")
    .map(([name, quantity]) => [name, Math.ceil(Number((parseQuantity(quantity) * thousandth).toFixed(3)))]);
}

function add(sum: Amounts, amounts: Amounts): void {
  for (const [name, amount] of amounts) sum.set(name, (sum.get(name) ?? 0) + amount);
}

function raise(amounts: Amounts, least: Amounts): void {
  for (const [name, amount] of least) amounts.set(name, Math.max(amounts.get(name) ?? 0, amount));
}

function isOpenTo({ metadata, spec = {}, status }: Node, { nodeSelector = {}, tolerations = [] }: PlacedSpec): boolean {
  const isReady = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  if (!isReady || spec.unschedulable) return false;
  if (!Object.entries(nodeSelector).every(([key, value]) => metadata.labels?.[key] === value)) return false;
  return (spec.taints ?? [])
    .filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute")
    .every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

type Taint = { key: string; value?: string; effect: string };

/** An empty key with Exists tolerates everything; an empty effect every effect. */
function tolerates(
  { key, operator = "Equal", value = "", effect }: NonNullable<PlacedSpec["tolerations"]>[number],
  taint: Taint,
) {
  if (effect && effect !== taint.effect) return false;
  if (operator === "Exists") return !key || key === taint.key;
  return key === taint.key && value === (taint.value ?? "");
}

function placedSpecOf({ spec }: { spec: object }): PlacedSpec {
  return spec as PlacedSpec;
}
