import type { Restore } from "#lib/database/generated/client.ts";
import { databaseNameOf, withDatabase, withServer } from "#lib/database/server-connection.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type KubernetesObject, paths } from "#lib/kubernetes/objects.ts";
import { transact } from "../../../context.ts";
import { DomainError } from "../../../errors.ts";
import { readContents } from "../../backups/plans.ts";
import { createRestore } from "../../restores/start.ts";
import type { RecoveryCheck } from "../../schemas.ts";
import { resolvePostgres } from "../../sources/addresses.ts";
import type { Prey } from "../run.ts";
import { isServing, listAffected } from "../standing.ts";
import type { Choice, Chosen, ScenarioWork, Work } from "./scenario.ts";

const freshMs = 3_600_000;
/** After so long without an alert the restore begins all the same, and the drill says that nobody was told. */
const patienceMs = 60_000;
const drillLabel = "switchyard.dev/drill";

/** The service's database is dropped, and restored in place from its backup. */
export const databaseLoss: ScenarioWork = {
  isRehearsal: false,
  alert: "ProbeInterrupted",
  needsBackup: true,
  steps: () => [
    "Drop the service's database.",
    "Restore it in place from the backup as soon as an alert arrives.",
    "Hold it against the backup's manifest, and wait until every client is served again.",
    "Count every acknowledged write that is missing.",
  ],
  limits: [
    "What is lost is what was written after the backup: its age decides the RPO, not the restore.",
    "The server itself stays: a new one would have to be installed first.",
  ],
  wants: async (context, choice) => wantBackup(context.clock(), choice, "postgres"),
  choose(choice) {
    const { subject, cluster } = choice;
    if (!subject) return { problem: "There is no such service." };
    return chooseBackup(choice, "postgres", listAffected(cluster.services, [subject.id, ...subject.dependsOn]), null);
  },
  strike: dropDatabase,
  async confirm(work) {
    return (await hasDatabase(work)) ? null : "The database is not there any more.";
  },
  async remedy(work, { isTold, sinceFaultMs }) {
    if (!work.run.restoreId && !isTold && sinceFaultMs < patienceMs) return null;
    const restore = await ensureRestore(work, {
      mode: "in-place",
      parts: ["postgres"],
      intoNamespace: null,
      isPresentLost: true,
    });
    const message = isTold ? "An alert of the service arrived." : `No alert arrived within ${patienceMs / 1000} s.`;
    return { message, isDone: restore.state === "completed" };
  },
  isBack: ({ subject }) => subject !== null && subject.ready >= subject.desired,
  async cleanUp(work) {
    const restore = await findRestore(work);
    if (restore && restore.state !== "queued" && restore.state !== "running") {
      return restore.state === "completed"
        ? null
        : `Restore ${restore.number} has not brought the database back: ${restore.message}`;
    }
    // An aborted drill leaves no service without its data.
    await ensureRestore(work, { mode: "in-place", parts: ["postgres"], intoNamespace: null, isPresentLost: true });
    return "The database is being restored.";
  },
};

/** A rehearsal: the service is built again from its backup in another namespace. */
export const regionLoss: ScenarioWork = {
  isRehearsal: true,
  alert: null,
  needsBackup: true,
  steps: ({ intoNamespace }) => [
    `Make the namespace ${intoNamespace ?? "that plays the other region"}.`,
    "Restore the service's objects there from the backup, and wait until its instances run.",
    "Remove the namespace with all that is in it.",
  ],
  limits: [
    "A rehearsal: nothing is lost, and the other namespace is in the same cluster. It does not show how long a region's loss takes.",
    "Clients are not moved: names, certificates and routes of another region are not part of it.",
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
      { name: "Other region", problem, found: `Namespace ${intoNamespace} is free.` },
    ];
  },
  choose: (choice) => chooseBackup(choice, "objects", [], choice.settings.intoNamespace),
  async strike(work) {
    const { into } = preyOf(work);
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: into, labels: { [drillLabel]: work.drillId } } };
    await work.context.kubernetes.create("/api/v1/namespaces", object).catch(unlessStatus(409));
  },
  confirm: async () => "Nothing was struck: it is a rehearsal.",
  async remedy(work) {
    const restore = await ensureRestore(work, { mode: "namespace", parts: ["objects"], intoNamespace: preyOf(work).into });
    return { message: "Nothing to decide in a rehearsal.", isDone: restore.state === "completed" && isBuilt(work) };
  },
  isBack: isBuilt,
  async cleanUp(work) {
    const { into } = preyOf(work);
    const path = paths.namespace(into ?? "");
    const present = await work.context.kubernetes.get<KubernetesObject>(path).catch(unlessStatus(404));
    if (!present || present.metadata.labels?.[drillLabel] !== work.drillId) return null;
    await work.context.kubernetes.remove(path, { uid: present.metadata.uid }).catch(unlessStatus(404, 409));
    return `Namespace ${into} is being removed.`;
  },
};

/** A rehearsal: Switchyard's own database is restored elsewhere from its newest backup. */
export const controlPlaneLoss: ScenarioWork = {
  isRehearsal: true,
  alert: null,
  needsBackup: true,
  steps: () => [
    "Fetch the newest backup of Switchyard, open it and restore it into a PostgreSQL of its own.",
    "Ask it what was asked when the backup was made.",
    "Remove it again.",
  ],
  limits: [
    "A rehearsal: Switchyard goes on. `npm run recover` does the same without Switchyard's database, by hand.",
    "Its time is that of fetching, opening and restoring; a machine and a server have to be there.",
  ],
  wants: async (context, choice) => wantBackup(context.clock(), choice, "postgres"),
  choose: (choice) => chooseBackup(choice, "postgres", [], null),
  strike: async () => {},
  confirm: async () => "Nothing was struck: it is a rehearsal.",
  async remedy(work) {
    const restore = await ensureRestore(work, { mode: "scratch", parts: ["postgres"], intoNamespace: null });
    return { message: "Nothing to decide in a rehearsal.", isDone: restore.state === "completed" };
  },
  isBack: ({ run }) => run.remedy?.doneAt != null,
  async cleanUp(work) {
    const restore = await findRestore(work);
    const isOpen = restore?.state === "queued" || restore?.state === "running";
    return isOpen ? `Restore ${restore.number} is under way, and removes what it made.` : null;
  },
};

const preyOf = ({ run }: Pick<Work, "run">) => run.prey as Extract<Prey, { kind: "data" }>;

function wantBackup(now: Date, { backup }: Choice, part: string) {
  const problem =
    backup === null
      ? "There is no verified backup to restore: make one first."
      : !backup.parts.includes(part)
        ? `${backup.name} does not hold the part ${part}.`
        : now.getTime() - backup.takenAt.getTime() > freshMs
          ? `${backup.name} is from ${backup.takenAt.toISOString()}: make one first, for at most an hour may be lost in a drill.`
          : null;
  return [{ name: "Fresh backup", problem, found: `${backup?.name} is from ${backup?.takenAt.toISOString()}.` }];
}

function chooseBackup({ backup }: Choice, part: string, affected: string[], into: string | null): Chosen {
  if (!backup?.parts.includes(part)) return { problem: "There is no verified backup to restore: make one first." };
  return { prey: { kind: "data", backupId: backup.id, takenAt: backup.takenAt.toISOString(), into }, affected };
}

type Wanted = {
  mode: "scratch" | "namespace" | "in-place";
  parts: string[];
  intoNamespace: string | null;
  isPresentLost?: boolean;
};

/** The drill's restore, asked for once; throws precondition-failed when it has failed. What it found is the drill's. */
async function ensureRestore(work: Work, wanted: Wanted): Promise<Restore> {
  const { context, run, drillId } = work;
  const found = await findRestore(work);
  const restore =
    found ??
    (await transact(context, async (transaction) => {
      const backup = await transaction.backup.findUniqueOrThrow({ where: { id: preyOf(work).backupId } });
      const reason = `Drill ${drillId}`;
      return createRestore(transaction, context, { isPresentLost: false, ...wanted, backup, reason });
    }));
  run.restoreId = restore.id;
  run.checks = (restore.checks ?? []) as RecoveryCheck[];
  if (restore.state === "failed" || restore.state === "cancelled") {
    throw new DomainError("precondition-failed", `Restore ${restore.number} has not come to its end: ${restore.message}`);
  }
  return restore;
}

/** By its reason too: a controller that was killed after it was asked for has not written down its id. */
function findRestore({ context, run, drillId }: Work): Promise<Restore | null> {
  const own = run.restoreId ? { id: run.restoreId } : { reason: `Drill ${drillId}` };
  return context.db.restore.findFirst({ where: own });
}

function isBuilt({ cluster, run }: Pick<Work, "cluster" | "run">): boolean {
  const { into } = preyOf({ run });
  const built = cluster.services.filter(({ ref }) => ref.namespace === into);
  return built.length > 0 && built.every(({ pods, desired }) => pods.filter(isServing).length >= desired);
}

async function databaseOf({ context, run, subject }: Work) {
  const backup = await context.db.backup.findUniqueOrThrow({ where: { id: preyOf({ run }).backupId } });
  const { postgres } = readContents(backup);
  if (!postgres?.address || !subject) {
    throw new DomainError("precondition-failed", "The backup does not say where the service's database is.");
  }
  const server = await resolvePostgres(context.kubernetes, subject.ref.namespace, postgres.address);
  return { name: databaseNameOf(server), maintenance: withDatabase(server, "postgres") };
}

async function hasDatabase(work: Work): Promise<boolean> {
  const { name, maintenance } = await databaseOf(work);
  return withServer(maintenance, async (client) => {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    return rowCount === 1;
  });
}

async function dropDatabase(work: Work): Promise<void> {
  const { name, maintenance } = await databaseOf(work);
  await withServer(maintenance, (client) => client.query(`DROP DATABASE IF EXISTS "${name.replaceAll('"', '""')}" WITH (FORCE)`));
}

const unlessStatus =
  (...expected: number[]) =>
  (error: unknown): null => {
    if (error instanceof KubernetesError && expected.includes(error.status)) return null;
    throw error;
  };
