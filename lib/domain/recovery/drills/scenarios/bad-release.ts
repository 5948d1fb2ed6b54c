import { performAction } from "../../../actions/commands.ts";
import { readTarget } from "../../../actions/target.ts";
import { mainContainer } from "../../../fleet/image.ts";
import { findCurrentRevision } from "../../../fleet/template.ts";
import type { Prey } from "../run.ts";
import { serviceId } from "../service-id.ts";
import { isServing, listAffected } from "../standing.ts";
import { type Choice, type Chosen, findService, type ScenarioWork, type Work } from "./scenario.ts";

/** After so long without an alert it is rolled back all the same, and the drill says that nobody was told. */
const patienceMs = 60_000;

/** A release that fails is rolled out without analysis, and rolled back when the alert arrives. */
export const badRelease: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  steps: ({ image }, prey) => [
    `Set the image to ${image ?? prey} at once, without a strategy and its analysis.`,
    `Roll back as soon as an alert of the service arrives, and after ${patienceMs / 1000} s without one.`,
    "Wait until every client is served again and every instance runs the version from before.",
  ],
  limits: [
    "A person is not part of it: the time to decide is 0.",
    "A rollout with a strategy would have judged the release before everyone had it.",
  ],
  choose: chooseRelease,
  async strike({ context, run, drillId }) {
    const { ref, image, container, uid, templateHash } = preyOf(run.prey);
    const body = { container, image, reason: "A drill: a bad release.", seen: { uid, templateHash } };
    await performAction(context, { verb: "image", ref, body, key: `drill-${drillId}-image` });
  },
  async confirm(work) {
    const { ref, image } = preyOf(work.run.prey);
    const standing = findService(work, serviceId(ref));
    const bad = standing?.pods.find((pod) => mainContainer(pod.spec.containers, ref.name)?.image === image);
    return bad ? `${bad.metadata.name} has ${image}.` : null;
  },
  async remedy(work, { isTold, sinceFaultMs }) {
    if (!work.run.remedy && !isTold && sinceFaultMs < patienceMs) return null;
    await rollBack(work);
    const message = isTold ? "An alert of the service arrived." : `No alert arrived within ${patienceMs / 1000} s.`;
    return { message, isDone: isBack(work) };
  },
  isBack,
  async cleanUp(work) {
    await rollBack(work);
    return isBack(work) ? null : `Not every instance of ${preyOf(work.run.prey).ref.name} runs the version from before.`;
  },
};

const preyOf = (prey: Prey | null) => prey as Extract<Prey, { kind: "release" }>;

function chooseRelease({ cluster, subject, settings }: Choice): Chosen {
  const { image } = settings;
  if (!subject) return { problem: "There is no such service." };
  if (image === null) return { problem: "Name the image of a release that fails." };
  const { metadata, spec } = subject.workload;
  const main = mainContainer(spec.template.spec.containers, metadata.name);
  if (!main) return { problem: `${subject.id} has no container.` };
  if (main.image === image) return { problem: `${subject.id} has ${image} already.` };
  return {
    prey: { kind: "release", ref: subject.ref, image, container: main.name, uid: metadata.uid, templateHash: "" },
    affected: listAffected(cluster.services, [subject.id]),
  };
}

/** The hash that the action wants to have seen, read just before it is meant. */
export async function withTemplateHash(context: Work["context"], prey: Prey): Promise<Prey> {
  if (prey.kind !== "release") return prey;
  const { workload, revisions } = await readTarget(context, prey.ref);
  return { ...prey, templateHash: findCurrentRevision(workload, revisions)?.hash ?? "" };
}

async function rollBack({ context, run, drillId }: Work): Promise<void> {
  const { ref, image, uid } = preyOf(run.prey);
  const { workload, revisions } = await readTarget(context, ref);
  if (mainContainer(workload.spec.template.spec.containers, ref.name)?.image !== image) return;
  const seen = { uid, templateHash: findCurrentRevision(workload, revisions)?.hash ?? "" };
  const body = { toRevision: 0, reason: "A drill: back from the bad release.", seen };
  await performAction(context, { verb: "rollback", ref, body, key: `drill-${drillId}-rollback` });
}

function isBack(work: Work): boolean {
  const { ref, image } = preyOf(work.run.prey);
  const standing = findService(work, serviceId(ref));
  if (!standing) return false;
  const good = standing.pods.filter((pod) => isServing(pod) && mainContainer(pod.spec.containers, ref.name)?.image !== image);
  const isOld = mainContainer(standing.workload.spec.template.spec.containers, ref.name)?.image !== image;
  return isOld && good.length >= standing.desired && good.length === standing.pods.length;
}
