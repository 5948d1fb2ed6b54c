import type { Container, Node, Pod } from "../objects.ts";
import { cpuMillis, wholeUnits } from "../quantity.ts";

/** What a pod takes from its node, or what a node has: thousandths of a core, bytes, pods. */
export type Amounts = { cpu: number; memory: number; pods: number };

const known = new WeakMap<Pod, Amounts>();

/** The larger of the containers' sum (with sidecars) and the most demanding init container, plus overhead. */
export function podRequests(pod: Pod): Amounts {
  const remembered = known.get(pod);
  if (remembered) return remembered;
  const { containers, initContainers = [], overhead } = pod.spec;
  const running = { ...none };
  const starting = { ...none };
  for (const container of initContainers) {
    const wanted = containerRequests(container);
    const atThatTime = { cpu: wanted.cpu + running.cpu, memory: wanted.memory + running.memory };
    starting.cpu = Math.max(starting.cpu, atThatTime.cpu);
    starting.memory = Math.max(starting.memory, atThatTime.memory);
    if (container.restartPolicy === "Always") Object.assign(running, atThatTime);
  }
  for (const container of containers) {
    const wanted = containerRequests(container);
    running.cpu += wanted.cpu;
    running.memory += wanted.memory;
  }
  const amounts = {
    cpu: Math.max(running.cpu, starting.cpu) + cpuMillis(overhead?.cpu),
    memory: Math.max(running.memory, starting.memory) + wholeUnits(overhead?.memory),
    pods: 1,
  };
  known.set(pod, amounts);
  return amounts;
}

const none = { cpu: 0, memory: 0 };

/** A limit without a request counts as the request, as the API server's defaulting has it. */
function containerRequests({ resources }: Container): { cpu: number; memory: number } {
  const { requests, limits } = resources ?? {};
  return { cpu: cpuMillis(requests?.cpu ?? limits?.cpu), memory: wholeUnits(requests?.memory ?? limits?.memory) };
}

export function nodeAllocatable({ status }: Node): Amounts {
  const amounts = status?.allocatable ?? status?.capacity ?? {};
  return { cpu: cpuMillis(amounts.cpu), memory: wholeUnits(amounts.memory), pods: wholeUnits(amounts.pods ?? 110) };
}
