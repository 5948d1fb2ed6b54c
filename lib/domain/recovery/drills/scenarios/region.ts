import { serviceOfHost } from "#lib/kubernetes/cluster-ip.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type KubernetesObject, paths } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../../../errors.ts";
import { cancelRestore } from "../../restores/commands.ts";
import { restorableParts } from "../../restores/start.ts";
import { findAddresses } from "../../sources/discover.ts";
import { isServing } from "../standing.ts";
import { chooseBackup, ensureRestore, findRestores, isUnderWay, preyOf, wantBackup } from "./restored.ts";
import type { Choice, DrillContext, ScenarioWork, Work } from "./scenario.ts";

const drillLabel = "switchyard.dev/drill";

/** A rehearsal: the service is built again from backups alone in another namespace, what it depends on first, and its data are filled in. */
export const regionLoss: ScenarioWork = {
  isRehearsal: true,
  alert: null,
  needsBackup: true,
  needsDependencies: true,
  steps: ({ intoNamespace }) => [
    `Make the namespace ${intoNamespace ?? "that plays the other region"}.`,
    "Restore there from their newest backups the objects of every service that it depends on.",
    "Restore its own objects and its data there, hold them against the backup, and wait until every instance is ready.",
    "Remove the namespace with all that is in it.",
  ],
  limits: [
    "A rehearsal: nothing is lost, and the other namespace is in the same cluster. It does not show how long a region's loss takes.",
    "Clients are not moved: names, certificates and routes of another region are not part of it.",
    "Addresses of PostgreSQL and Redis are held against it; others that name the present namespace reach what is there.",
  ],
  async wants(context, choice) {
    const { intoNamespace } = choice.settings;
    const problem =
      intoNamespace === null
        ? "Name the namespace that plays the other region."
        : choice.isNamespaceTaken
          ? `There is a namespace ${intoNamespace} already: name one that is not there, for it is removed afterwards.`
          : null;
    return [
      ...wantBackup(context.clock(), choice, "objects"),
      wantDependencies(choice),
      await wantOwnServers(context, choice),
      { name: "Other region", problem, found: `Namespace ${intoNamespace} is free.` },
    ];
  },
  choose(choice) {
    const into = choice.settings.intoNamespace;
    const needs = choice.dependencies.flatMap(({ backup }) => (backup ? [backup.id] : []));
    return chooseBackup(choice, "objects", { affected: [], into, needs, what: `the namespace ${into}` });
  },
  async strike(work) {
    const { into } = preyOf(work);
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: into, labels: { [drillLabel]: work.drillId } } };
    await work.context.kubernetes.create("/api/v1/namespaces", object).catch(unlessStatus(409));
    const present = await work.context.kubernetes.get<KubernetesObject>(paths.namespace(into ?? ""));
    if (present.metadata.labels?.[drillLabel] === work.drillId) return;
    throw new DomainError("precondition-failed", `Somebody else has made the namespace ${into} meanwhile: name another one.`);
  },
  confirm: async () => "Nothing was struck: it is a rehearsal.",
  remedy: async (work) => ({ message: "Nothing to decide in a rehearsal.", isDone: await build(work) }),
  isBack: isBuilt,
  async cleanUp(work) {
    const { into } = preyOf(work);
    // One that goes on would make the namespace again.
    const open = (await findRestores(work)).find(isUnderWay);
    if (open) {
      const key = `drill-${work.drillId}-cancel-${open.number}`;
      if (!open.cancelledByName) {
        await cancelRestore(work.context, { id: open.id, body: { reason: "The drill is over." }, key });
      }
      return `Restore ${open.number} is being called off.`;
    }
    const path = paths.namespace(into ?? "");
    const present = await work.context.kubernetes.get<KubernetesObject>(path).catch(unlessStatus(404));
    if (!present || present.metadata.labels?.[drillLabel] !== work.drillId) return null;
    await work.context.kubernetes.remove(path, { uid: present.metadata.uid }).catch(unlessStatus(404, 409));
    return `Namespace ${into} is being removed.`;
  },
};

function wantDependencies({ subject, dependencies }: Choice) {
  const lacking = dependencies.filter(({ backup }) => !backup?.parts.includes("objects")).map(({ id }) => id);
  const problem =
    lacking.length > 0
      ? `${subject?.id} depends on ${lacking.join(", ")}, of which there is no verified backup with its objects: make one first.`
      : null;
  const found = dependencies.map(({ id, backup }) => `${id} in ${backup?.name}`).join(", ");
  return { name: "What it depends on", problem, found: found || "It depends on nothing." };
}

/** A copy that reaches the present PostgreSQL or Redis would write into it: an address has to lead to the namespace that it is read in. */
async function wantOwnServers({ kubernetes }: DrillContext, choice: Choice) {
  const ids = [choice.subject?.id, ...choice.dependencies.map(({ id }) => id)];
  const copied = choice.cluster.services.filter(({ id }) => ids.includes(id));
  const reached = await Promise.all(
    copied.map(async ({ id, ref, workload }) => {
      const addresses = await findAddresses(kubernetes, ref.namespace, workload);
      const outside = addresses.filter(({ url }) => serviceOfHost(new URL(url).hostname, elsewhere)?.namespace !== elsewhere);
      return outside.map(({ name }) => `${id} reads ${name}`);
    }),
  );
  const outside = reached.flat();
  const problem =
    outside.length > 0
      ? `A copy would reach the present servers: ${outside.join(", ")}. Address them by the names of their Services alone.`
      : null;
  return { name: "Servers of its own", problem, found: "What is read are Services beside it, by name." };
}

/** Any namespace that is none: a Service's name alone leads to the namespace that it is read in. */
const elsewhere = "another-region";

/** One restore after the other; true once all are done and every instance is ready. */
async function build(work: Work): Promise<boolean> {
  const { into: intoNamespace, needs = [] } = preyOf(work);
  for (const backupId of needs) {
    const { state } = await ensureRestore(work, { mode: "namespace", parts: ["objects"], intoNamespace }, backupId);
    if (state !== "completed") return false;
  }
  const parts = restorableParts.filter((part) => work.backup?.parts.includes(part));
  const { state } = await ensureRestore(work, { mode: "namespace", parts, intoNamespace });
  return state === "completed" && isBuilt(work);
}

function isBuilt({ cluster, run }: Pick<Work, "cluster" | "run">): boolean {
  const { into, needs = [] } = preyOf({ run });
  const built = cluster.services.filter(({ ref }) => ref.namespace === into);
  return built.length > needs.length && built.every(({ pods, desired }) => pods.filter(isServing).length >= desired);
}

const unlessStatus =
  (...expected: number[]) =>
  (error: unknown): null => {
    if (error instanceof KubernetesError && expected.includes(error.status)) return null;
    throw error;
  };
