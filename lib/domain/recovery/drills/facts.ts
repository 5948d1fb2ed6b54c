import type { Database } from "#lib/database/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type KubernetesObject, paths } from "#lib/kubernetes/objects.ts";
import { readRules } from "../../alerts/rules.ts";
import { incidentName } from "../../incidents/incident-name.ts";
import { countsThePast } from "../../incidents/recovery/judge-resolve.ts";
import { describeFreeze, findFreeze } from "../../rollouts/start/freeze.ts";
import { manifestSchema } from "../archive/manifest.ts";
import { backupName } from "../backups/states.ts";
import { type Objective, type Scenario, type Subject, subjectColumns, subjectName } from "../schemas.ts";
import { drillLabel, type GuardFacts } from "./guards.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import type { Choice, DrillContext, FoundBackup } from "./scenarios/scenario.ts";
import type { DrillSettings } from "./schemas.ts";
import { serviceId } from "./service-id.ts";
import { type Cluster, listDependencies, listUnwell, readCluster } from "./standing.ts";
import { drillName } from "./stored.ts";
import { findWitness, WitnessReader } from "./witness.ts";

export type Asked = { scenario: Scenario; subject: Subject; settings: DrillSettings };

/** What there is to choose from now. Throws KubernetesError. */
export async function readChoice(context: DrillContext, { scenario, subject, settings }: Asked): Promise<Choice> {
  const cluster = await readCluster(context.kubernetes);
  const id = subject.kind === "service" ? serviceId(subject.ref) : null;
  const standing = cluster.services.find((service) => service.id === id) ?? null;
  const { needsBackup, needsDependencies } = scenarioWorks[scenario];
  return {
    cluster,
    subject: standing,
    witness: standing && findWitness(cluster.services, standing),
    settings,
    backup: needsBackup ? await findBackup(context.db, subjectName(subject), settings.backupId) : null,
    dependencies: needsDependencies && id ? await findDependencies(context.db, cluster, id) : [],
    isNamespaceTaken: settings.intoNamespace !== null && (await hasNamespace(context, settings.intoNamespace)),
  };
}

/** The newest backup of a subject that can be restored, or the named one. */
async function findBackup(db: Database, subject: string, id: string | null): Promise<FoundBackup | null> {
  const row = await db.backup.findFirst({
    where: {
      subject,
      state: { in: ["completed", "partial"] },
      proof: { in: ["checksums", "restored"] },
      takenAt: { not: null },
      ...(id !== null && { id }),
    },
    orderBy: { takenAt: "desc" },
  });
  if (!row?.takenAt) return null;
  const manifest = manifestSchema.safeParse(row.manifest);
  const parts = manifest.success ? manifest.data.parts.filter(({ error }) => error === null).map(({ name }) => name) : [];
  return { id: row.id, name: backupName(row), takenAt: row.takenAt, parts };
}

function findDependencies(db: Database, { services }: Cluster, id: string): Promise<Choice["dependencies"]> {
  return Promise.all(listDependencies(services, id).map(async (one) => ({ id: one, backup: await findBackup(db, one, null) })));
}

async function hasNamespace({ kubernetes }: DrillContext, name: string): Promise<boolean> {
  return (await findNamespace({ kubernetes }, name)) !== null;
}

async function findNamespace({ kubernetes }: Pick<DrillContext, "kubernetes">, name: string): Promise<KubernetesObject | null> {
  try {
    return await kubernetes.get<KubernetesObject>(paths.namespace(name));
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

type Other = { objective: Objective; ownId: string | null };

/** What the guard rails are asked with. */
export async function readGuardFacts(
  context: DrillContext,
  { scenario, subject }: Asked,
  choice: Choice,
  { objective, ownId }: Other,
): Promise<GuardFacts> {
  const { db, clock, prometheus } = context;
  const work = scenarioWorks[scenario];
  const { namespace, service, subject: name } = subjectColumns(subject);
  const isStruck = !work.isRehearsal && namespace !== null && service !== null;
  const of = { namespace: namespace ?? "", service: service ?? "" };
  const ref = { namespace: of.namespace, name: of.service };
  const [other, firing, incidents, rollout, freeze, found, rules] = await Promise.all([
    db.drill.findFirst({ where: { activeKey: { not: null }, ...(ownId !== null && { id: { not: ownId } }) } }),
    isStruck ? db.alertEpisode.findMany({ where: { ...of, openKey: { not: null }, state: "firing" } }) : [],
    isStruck
      ? db.incident.findMany({ where: { resolvedAt: null, isDrill: false, services: { some: of } }, select: { number: true } })
      : [],
    isStruck ? db.rollout.findFirst({ where: { ...of, activeKey: { not: null } } }) : null,
    isStruck ? findFreeze(db, ref, clock()) : null,
    namespace === null ? null : findNamespace(context, namespace),
    prometheus && work.alert !== null ? readRules(context) : null,
  ]);
  return {
    scenario,
    isRehearsal: work.isRehearsal,
    subject: name,
    namespace,
    isLabelled: found?.metadata.labels?.[drillLabel] === "allowed",
    otherDrill: other && drillName(other),
    unwell: listUnwell(choice.cluster.services),
    // What counts hours fires on after a drill: it says nothing of now.
    firing: [...new Set(firing.map((episode) => episode.name))].filter((alert) => !countsThePast(alert)),
    incidents: incidents.map(incidentName),
    rollout: rollout && `A rollout${rollout.toVersion ? ` to ${rollout.toVersion}` : ""}`,
    freeze: freeze && describeFreeze(freeze),
    objective,
    witness: await readWitness(context, choice),
    hasAlertRule: !rules || rules.problem !== null ? null : rules.items.some((rule) => rule.name === work.alert),
    expectedAlert: work.alert ?? "",
    wants: [...(await (work.wants?.(context, choice) ?? [])), ...wantPrey(choice, work.choose(choice))],
  };
}

async function readWitness({ kubernetes, clock }: DrillContext, { witness }: Choice): Promise<GuardFacts["witness"]> {
  if (!witness) return null;
  const name = witness.service.id;
  try {
    const { paths: tried } = await new WitnessReader(kubernetes, () => clock().getTime()).read(witness);
    const intervalMs = Math.max(...tried.map((path) => path.intervalMs));
    return { name, intervalMs, problem: tried.length === 0 ? `${name} tries nothing yet.` : null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, intervalMs: 0, problem: `${name} does not say what it sees: ${message}` };
  }
}

function wantPrey({ subject }: Choice, chosen: ReturnType<(typeof scenarioWorks)[Scenario]["choose"]>) {
  const problem = "problem" in chosen ? chosen.problem : null;
  return [
    {
      name: "Something to strike",
      problem,
      found: subject ? `${subject.id} has ${subject.ready} ready instances.` : "It is there.",
    },
  ];
}
