import type { Workload } from "#lib/kubernetes/objects.ts";
import type { Prey } from "../run.ts";
import { isNodeReady, isServing, listAffected, type Standing } from "../standing.ts";
import type { Choice, Chosen, ScenarioWork, Work } from "./scenario.ts";

/** The power of a node is cut: its kubelet and all its pods end at once. */
export const nodeLoss: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  steps: (_, prey) => [
    `Cut the power of ${prey}: its kubelet and all its pods end at once.`,
    "Wait until every client is served again, an alert has arrived, and its instances run elsewhere.",
    `Give ${prey} its power back, and wait until it is ready.`,
  ],
  limits: [
    "Nodes with data are left out: a pod with a volume of its own waits for a person's word (the out-of-service taint) when its node is lost.",
    "So are the nodes of the prober, Prometheus and Alertmanager: without them nobody would measure, or be told.",
    "A local node is a process: its connections break off at once. Those to a real node that lost its power are noticed by time limits.",
  ],
  async wants({ nodePower }) {
    const found = "What has the power over the nodes answers.";
    if (!nodePower) {
      const problem =
        "Nothing has the power over nodes here: set SWITCHYARD_NODE_POWER to a socket or URL that takes POST /nodes/NAME/kill and /start.";
      return [{ name: "Node power", problem, found }];
    }
    const nodes = await nodePower.list().catch((error: Error) => error.message);
    if (typeof nodes === "string") return [{ name: "Node power", problem: nodes, found }];
    const off = nodes.filter(({ isOn }) => !isOn).map(({ name }) => name);
    return [{ name: "Node power", problem: off.length > 0 ? `${off.join(", ")} has no power already.` : null, found }];
  },
  choose: chooseNode,
  async strike({ context, run }) {
    await context.nodePower?.kill((run.prey as NodePrey).node);
  },
  async confirm({ cluster, run, context }) {
    const { node } = run.prey as NodePrey;
    const found = cluster.nodes.find(({ metadata }) => metadata.name === node);
    if (found && !isNodeReady(found)) return `${node} is not ready.`;
    const power = await context.nodePower?.list().catch(() => []);
    return power?.some(({ name, isOn }) => name === node && !isOn) ? `${node} has no power.` : null;
  },
  isBack({ cluster, run }) {
    const { node } = run.prey as NodePrey;
    const elsewhere = ({ pods }: Standing) => pods.filter((pod) => isServing(pod) && pod.spec.nodeName !== node).length;
    // A StatefulSet's pod comes back with its node.
    const moving = cluster.services.filter(({ id, workload }) => run.affected.includes(id) && workload.kind === "Deployment");
    return moving.every((one) => elsewhere(one) >= one.desired);
  },
  async cleanUp({ context, cluster, run }: Work) {
    const { node } = run.prey as NodePrey;
    const power = context.nodePower;
    if (!power) return `${node} has no power, and nothing here can give it back.`;
    await power.start(node);
    const found = cluster.nodes.find(({ metadata }) => metadata.name === node);
    return found && isNodeReady(found) ? null : `${node} is not ready yet.`;
  },
};

type NodePrey = Extract<Prey, { kind: "node" }>;

/** A pod with a volume of its own waits for a person's word when its node is lost. */
const keepsData = ({ spec }: Workload) => ((spec as { volumeClaimTemplates?: unknown[] }).volumeClaimTemplates ?? []).length > 0;

/** Why a node must not be lost; null when it may. */
function refusalOf(node: string, { cluster, witness }: Choice): string | null {
  for (const { id, kind, workload, pods } of cluster.services) {
    const running = pods.filter((pod) => pod.status?.phase === "Running");
    const here = running.filter((pod) => pod.spec.nodeName === node);
    if (here.length === 0) continue;
    if (keepsData(workload)) return `it has data (${id})`;
    // Of several, those on other nodes go on.
    if (here.length < running.length) continue;
    if (kind === "monitoring") return `${id} runs on it, by which people are told`;
    if (id === witness?.service.id) return `${id} runs on it, which measures`;
  }
  return null;
}

function chooseNode(choice: Choice): Chosen {
  const { cluster, subject, settings } = choice;
  if (!subject) return { problem: "There is no such service." };
  const own = new Set(subject.pods.filter(isServing).map(({ spec }) => spec.nodeName));
  const nodes = cluster.nodes.filter((node) => isNodeReady(node)).map(({ metadata }) => metadata.name);
  const wanted =
    settings.target === null ? nodes.filter((node) => own.has(node)) : nodes.filter((node) => node === settings.target);
  const refused = wanted.map((node) => ({ node, why: refusalOf(node, choice) }));
  const node = refused.find(({ why }) => why === null)?.node;
  if (!node) {
    const free = settings.target === null ? nodes.filter((name) => !own.has(name) && refusalOf(name, choice) === null) : [];
    const reasons = [
      ...refused.map(({ node: name, why }) => `${name}: ${why}`),
      ...free.map((name) => `${name}: nothing of ${subject.id} runs on it; restart the service to spread its instances`),
    ].join("; ");
    return { problem: reasons ? `No node may be lost. ${reasons}.` : `No ready node ${settings.target ?? `of ${subject.id}`}.` };
  }
  const struck = cluster.services.filter(({ pods }) => pods.some(({ spec }) => spec.nodeName === node));
  return {
    prey: {
      kind: "node",
      node,
      pods: struck.flatMap(({ pods }) => pods.filter(({ spec }) => spec.nodeName === node)).map(({ metadata }) => metadata.name),
    },
    affected: listAffected(cluster.services, [...struck.map(({ id }) => id), subject.id]),
  };
}
