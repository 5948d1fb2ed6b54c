import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { markOwnGeneration } from "../../../ledger/own-changes.ts";
import type { Prey } from "../run.ts";
import { serviceId } from "../service-id.ts";
import { isServing, listAffected } from "../standing.ts";
import { compareEdges, readEdges } from "./edges.ts";
import { findService, type ScenarioWork, type Work } from "./scenario.ts";

/** All instances of the hub are taken away for a while; edges keep what their sensors send. */
export const hubLoss: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  steps: ({ awaySeconds }, prey) => [
    `Scale ${prey} to 0 for ${awaySeconds} s: edges keep what their sensors send.`,
    "Scale it to its size again, which is kept from before.",
    "Wait until scans and messages go through again, and every acknowledged message is in the hub's store.",
    "Ask every edge how many readings it dropped meanwhile: none, unless its buffer was full.",
  ],
  limits: [
    "The time away is chosen, not suffered: what is measured on top of it is how soon everything is back.",
    "Instances end in order when a service is scaled to 0; the loss of one without warning is the drill of an instance.",
    "Edges outside the cluster are not asked what they dropped.",
  ],
  choose({ cluster, subject }) {
    if (subject?.kind !== "hub") return { problem: "This drill is for a service of kind hub." };
    if (subject.desired === 0) return { problem: `${subject.id} is scaled to 0 already.` };
    const { ref, workload, desired: replicas, id } = subject;
    return {
      prey: { kind: "service", ref, workload: workload.kind, uid: workload.metadata.uid, replicas },
      affected: listAffected(cluster.services, [id]),
    };
  },
  async prepare(work) {
    work.run.edges = await readEdges(work);
  },
  strike: (work) => scale(work, 0),
  async confirm(work) {
    const { ref } = preyOf(work);
    const standing = findService(work, serviceId(ref));
    return standing && standing.pods.filter(isServing).length === 0 ? `No instance of ${standing.id} is ready.` : null;
  },
  async remedy(work, { sinceFaultMs }) {
    const { awaySeconds } = work.settings;
    if (sinceFaultMs < awaySeconds * 1000) return null;
    await scale(work, preyOf(work).replicas);
    return { message: `It was to be away for ${awaySeconds} s.`, isDone: isBack(work) };
  },
  isBack,
  async examine(work) {
    return compareEdges(work.run.edges ?? null, await readEdges(work));
  },
  async cleanUp(work) {
    const { ref, replicas } = preyOf(work);
    await scale(work, replicas);
    return isBack(work) ? null : `${ref.name} does not have its ${replicas} instances yet.`;
  },
};

const preyOf = ({ run }: Work) => run.prey as Extract<Prey, { kind: "service" }>;

function isBack(work: Work): boolean {
  const { ref, replicas } = preyOf(work);
  return (findService(work, serviceId(ref))?.pods.filter(isServing).length ?? 0) >= replicas;
}

async function scale(work: Work, replicas: number): Promise<void> {
  const { ref, workload } = preyOf(work);
  const path = paths.workload(workload, ref.namespace, ref.name);
  const present = await work.context.kubernetes.get<Workload>(path);
  if (present.spec.replicas === replicas) return;
  await work.context.kubernetes.patch(path, [
    { op: "test", path: "/metadata/resourceVersion", value: present.metadata.resourceVersion },
    { op: "replace", path: "/spec/replicas", value: replicas },
    ...markOwnGeneration(present),
  ]);
}
