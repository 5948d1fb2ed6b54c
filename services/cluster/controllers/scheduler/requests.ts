import type { Container, Node, Pod } from "../objects.ts";
import { cpuMillis, wholeUnits } from "../quantity.ts";

/** What a pod takes from its node, or what a node has: thousandths of a core, bytes, pods, and pieces of anything else. */
export type Amounts = { cpu: number; memory: number; pods: number; others: Map<string, number> };

type Quantities = Record<string, string | number>;

const known = new WeakMap<Pod, Amounts>();

/** The larger of the containers' sum (with sidecars) and the most demanding init container, plus overhead. */
export function podRequests(pod: Pod): Amounts {
  const remembered = known.get(pod);
  if (remembered) return remembered;
  const { containers, initContainers = [], overhead } = pod.spec;
  const running = noAmounts();
  const starting = noAmounts();
  for (const container of initContainers) {
    const atThatTime = containerRequests(container);
    addAmounts(atThatTime, running, 1);
    raise(starting, atThatTime);
    if (container.restartPolicy === "Always") addAmounts(running, containerRequests(container), 1);
  }
  for (const container of containers) addAmounts(running, containerRequests(container), 1);
  raise(running, starting);
  addAmounts(running, amountsOf(overhead ?? {}), 1);
  const amounts = { ...running, pods: 1 };
  known.set(pod, amounts);
  return amounts;
}

export function noAmounts(): Amounts {
  return { cpu: 0, memory: 0, pods: 0, others: new Map() };
}

export function addAmounts(sum: Amounts, amounts: Amounts, change: 1 | -1): void {
  sum.cpu += change * amounts.cpu;
  sum.memory += change * amounts.memory;
  sum.pods += change * amounts.pods;
  for (const [name, amount] of amounts.others) sum.others.set(name, (sum.others.get(name) ?? 0) + change * amount);
}

export function nodeAllocatable({ status }: Node): Amounts {
  const quantities = status?.allocatable ?? status?.capacity ?? {};
  return { ...amountsOf(quantities), pods: wholeUnits(quantities.pods ?? 110) };
}

/** A limit without a request counts as the request, as the API server's defaulting has it. */
function containerRequests({ resources }: Container): Amounts {
  return amountsOf({ ...resources?.limits, ...resources?.requests });
}

function amountsOf(quantities: Quantities): Amounts {
  const others = new Map<string, number>();
  for (const name in quantities) if (isCounted(name)) others.set(name, wholeUnits(quantities[name]));
  return { cpu: cpuMillis(quantities.cpu), memory: wholeUnits(quantities.memory), pods: 0, others };
}

/** Devices and huge pages. The nodes' disks are not divided up: ephemeral-storage is no reason to refuse a pod. */
function isCounted(name: string): boolean {
  return name.includes("/") || name.startsWith("hugepages-");
}

function raise(amounts: Amounts, least: Amounts): void {
  amounts.cpu = Math.max(amounts.cpu, least.cpu);
  amounts.memory = Math.max(amounts.memory, least.memory);
  for (const [name, amount] of least.others) amounts.others.set(name, Math.max(amounts.others.get(name) ?? 0, amount));
}
