import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import type { Prey } from "../run.ts";
import { serviceId } from "../service-id.ts";
import { isServing, listAffected, type Standing } from "../standing.ts";
import { type Choice, type Chosen, findService, nothingToClean, type ScenarioWork, type Work } from "./scenario.ts";

const killLimit =
  "A pod is deleted with a grace of 0 s: its processes end by SIGKILL. A real kubelet may still give them two seconds.";

/** One instance of the service is killed without warning. */
export const instanceLoss: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  steps: (_, prey) => [
    `Kill ${prey} without warning: its pod is deleted with a grace of 0 s, which is SIGKILL.`,
    "Wait until every client is served again, an alert has arrived, and all instances are ready.",
    "Nothing has to be cleaned up: the cluster makes another instance.",
  ],
  limits: [killLimit, "One instance of several: a fault that strikes all of them at once takes longer."],
  choose: (choice) => chooseInstance(choice, choice.subject),
  strike: killPod,
  confirm: podIsGone,
  isBack,
  cleanUp: nothingToClean,
};

/** The Redis that the service uses is killed without warning. */
export const redisLoss: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  steps: (_, prey) => [
    `Kill ${prey} without warning: its pod is deleted with a grace of 0 s, which is SIGKILL.`,
    "Wait until every client is served again, an alert has arrived, and the instance is ready with its data.",
    "Nothing has to be cleaned up: the StatefulSet makes the instance again, on the same volume.",
  ],
  limits: [killLimit, "The volume is not lost: what Redis had written is there when it starts."],
  choose(choice) {
    const { subject } = choice;
    const redis = subject?.dependsOn
      .map((id) => findService(choice, id))
      .find((one) => one?.kind === "cache" || one?.ref.name.includes("redis"));
    if (!redis) return { problem: `${subject?.id ?? "The service"} names no Redis in the annotation switchyard.dev/depends-on.` };
    return chooseInstance(choice, redis);
  },
  strike: killPod,
  confirm: podIsGone,
  isBack,
  cleanUp: nothingToClean,
};

function chooseInstance({ cluster, subject, settings }: Choice, service: Standing | null): Chosen {
  if (!service || !subject) return { problem: "There is no such service." };
  const serving = service.pods.filter(isServing);
  const oldest = serving.toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))[0];
  const pod = settings.target === null ? oldest : serving.find(({ metadata }) => metadata.name === settings.target);
  if (!pod) {
    const name = settings.target;
    return { problem: name ? `${service.id} has no ready instance ${name}.` : `${service.id} has no ready instance.` };
  }
  const { namespace = "", name, uid } = pod.metadata;
  return {
    prey: { kind: "instance", namespace, service: service.ref.name, pod: name, uid, node: pod.spec.nodeName ?? null },
    affected: listAffected(cluster.services, [service.id, subject.id]),
  };
}

const preyOf = ({ run }: Work) => run.prey as Extract<Prey, { kind: "instance" }>;

async function killPod(work: Work): Promise<void> {
  const { namespace, pod, uid } = preyOf(work);
  try {
    await work.context.kubernetes.remove(paths.pod(namespace, pod), { uid }, { graceSeconds: 0 });
  } catch (error) {
    // Gone, or another one is there already: it was done.
    if (!(error instanceof KubernetesError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

async function podIsGone(work: Work): Promise<string | null> {
  const { namespace, service, pod, uid } = preyOf(work);
  const present = findService(work, serviceId({ namespace, name: service }))?.pods ?? [];
  return present.some(({ metadata }) => metadata.uid === uid) ? null : `${pod} (${uid.slice(0, 8)}) is gone.`;
}

function isBack(work: Work): boolean {
  const { namespace, service, uid } = preyOf(work);
  const standing = findService(work, serviceId({ namespace, name: service }));
  const others = standing?.pods.filter((pod) => isServing(pod) && pod.metadata.uid !== uid) ?? [];
  return standing !== null && standing.desired > 0 && others.length >= standing.desired;
}
