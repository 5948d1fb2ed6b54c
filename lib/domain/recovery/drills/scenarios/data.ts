import { databaseNameOf, withDatabase, withServer } from "#lib/database/server-connection.ts";
import { DomainError } from "../../../errors.ts";
import { readContents } from "../../backups/plans.ts";
import { resolvePostgres } from "../../sources/addresses.ts";
import { listAffected } from "../standing.ts";
import { chooseBackup, ensureRestore, findRestores, isUnderWay, preyOf, wantBackup } from "./restored.ts";
import type { ScenarioWork, Work } from "./scenario.ts";

/** After so long without an alert the restore begins all the same, and the drill says that nobody was told. */
const patienceMs = 60_000;

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
    const affected = listAffected(cluster.services, [subject.id, ...subject.dependsOn]);
    return chooseBackup(choice, "postgres", { affected, into: null, what: `the database of ${subject.id}` });
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
    const [restore] = await findRestores(work);
    if (restore && !isUnderWay(restore)) {
      return restore.state === "completed"
        ? null
        : `Restore ${restore.number} has not brought the database back: ${restore.message}`;
    }
    // An aborted drill leaves no service without its data.
    await ensureRestore(work, { mode: "in-place", parts: ["postgres"], intoNamespace: null, isPresentLost: true });
    return "The database is being restored.";
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
  choose: (choice) =>
    chooseBackup(choice, "postgres", { affected: [], into: null, what: choice.backup?.name ?? "Switchyard's backup" }),
  strike: async () => {},
  confirm: async () => "Nothing was struck: it is a rehearsal.",
  async remedy(work) {
    const restore = await ensureRestore(work, { mode: "scratch", parts: ["postgres"], intoNamespace: null });
    return { message: "Nothing to decide in a rehearsal.", isDone: restore.state === "completed" };
  },
  isBack: ({ run }) => run.remedy?.doneAt != null,
  async cleanUp(work) {
    const open = (await findRestores(work)).find(isUnderWay);
    return open ? `Restore ${open.number} is under way, and removes what it made.` : null;
  },
};

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
