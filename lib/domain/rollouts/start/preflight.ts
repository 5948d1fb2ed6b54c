import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type PodDisruptionBudget, type PodTemplate, paths, type Workload } from "#lib/kubernetes/objects.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";
import { takeSnapshot } from "../../actions/plan.ts";
import { requireFresh } from "../../actions/preconditions.ts";
import type { FieldChange } from "../../actions/schemas.ts";
import { readTarget, type Target } from "../../actions/target.ts";
import { readForecast } from "../../autoscaling/forecast.ts";
import { findAutoscaler, limitsOf } from "../../autoscaling/owner.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { describeAbout } from "../../fleet/about.ts";
import { mainContainer, versionOf } from "../../fleet/image.ts";
import { kindLabel, type ServiceRef, serviceRefSchema } from "../../fleet/schemas.ts";
import { templateYaml } from "../../fleet/template.ts";
import { readAtHand } from "../../recovery/backups/at-hand.ts";
import { parseInput } from "../../validation.ts";
import { unknownMetrics } from "../analysis/templates.ts";
import { candidateDeployment } from "../engine/candidate.ts";
import { compileSteps } from "../engine/compile-steps.ts";
import { describeReturn } from "../engine/return-texts.ts";
import { rolloutAnnotation } from "../engine/run.ts";
import { listSelecting, missingLabels } from "../engine/selecting.ts";
import type { ServiceObject } from "../engine/traffic.ts";
import { readWorld } from "../engine/world.ts";
import { workloadsPath } from "../engine/writes.ts";
import type { Strategy } from "../strategy.ts";
import { analysesOf, leastPauseSeconds } from "../strategy-figures.ts";
import { answerChecklist, manualChecks } from "./checklist.ts";
import { createCopies, type PlannedCopy, planCopies } from "./config-copies.ts";
import { compareConfig } from "./config-diff.ts";
import { describeFreeze, findNextFreeze } from "./freeze.ts";
import { preferredStrategy, readOwnStrategy, refuseStrategy, type Ways } from "./options.ts";
import { type Blocker, type Preflight, preflightSchema, type startRolloutSchema } from "./start-schemas.ts";
import { makeTarget, type RolloutTarget } from "./target.ts";
import { firing, listWaits } from "./waits.ts";

/** `sealer` makes hashes of Secrets that nobody can guess by. */
export type StartContext = Context & { sealer: Sealer };

/** What is asked for, parsed. */
export type Wish = Pick<ReturnType<typeof startRolloutSchema.parse>, "strategy" | "change" | "ticks">;

/** A rollout that is ready to begin, as far as preflight can tell. */
export type Prepared = {
  workload: Target;
  strategy: Strategy;
  target: RolloutTarget;
  copies: PlannedCopy[];
  preflight: Preflight;
};

/** Tells what a rollout would change and what stands against it. Writes nothing, also not to the audit. Operators. */
export async function checkRollout(context: StartContext, ref: unknown, body: unknown): Promise<Preflight> {
  const service = parseInput(serviceRefSchema, ref);
  authorise(context, "operator", "roll out a service");
  const { seen, ...wish } = parseInput(preflightSchema, body);
  const workload = await readTarget(context, service);
  if (seen) requireFresh(seen, workload);
  return (await prepareRollout(context, service, workload, wish)).preflight;
}

/** Reads all that decides about a rollout. Throws precondition-failed or invalid-input where it makes no sense at all. */
export async function prepareRollout(context: StartContext, ref: ServiceRef, workload: Target, wish: Wish): Promise<Prepared> {
  const { kubernetes, sealer } = context;
  const { metadata, spec } = workload.workload;
  const strategy = wish.strategy ?? requirePreferred(workload.workload);
  requireMetrics(strategy, metadata.labels?.[kindLabel] ?? "");
  requireKnownTicks(wish.ticks);
  if (spec.paused) {
    throw new DomainError(
      "precondition-failed",
      `${metadata.name} is paused and would not take a new template; resume it first.`,
    );
  }
  const before = wish.change.template ?? spec.template;
  const { namespace } = ref;
  const copies = await planCopies(kubernetes, { namespace, template: before, changes: wish.change.config, sealer });
  const target = makeTarget(
    workload.workload,
    wish.change,
    copies.map(({ copy }) => copy),
  );
  const preflight = await compilePreflight(context, ref, { workload, strategy, target, copies, ticks: wish.ticks });
  return { workload, strategy, target, copies, preflight };
}

/** What nobody chose must be what the service's owners meant. */
function requirePreferred(workload: Workload): Strategy {
  const { problem } = readOwnStrategy(workload);
  if (problem) throw new DomainError("precondition-failed", `${problem} Mend it, or choose a strategy.`);
  return preferredStrategy(workload);
}

type Parts = Omit<Prepared, "preflight"> & { ticks: readonly string[] };

async function compilePreflight(context: StartContext, ref: ServiceRef, parts: Parts): Promise<Preflight> {
  const { kubernetes, db, clock, sealer } = context;
  const { strategy, target, copies } = parts;
  const { workload, revisions, templateHash } = parts.workload;
  const now = clock();
  const [world, services, autoscaler, config, dryRun, budgets] = await Promise.all([
    readWorld(kubernetes, { ref, uid: workload.metadata.uid, before: null, now }),
    listSelecting(kubernetes, ref.namespace, target.before),
    findAutoscaler(kubernetes, workload),
    compareConfig(kubernetes, ref.namespace, { before: target.before, after: target.template, planned: copies, sealer }),
    tryOnServer(context, ref, parts),
    readBudgets(context, ref.namespace),
  ]);
  const byRoute = strategy.kind === "canary" && strategy.traffic !== "replicas" && world.route !== null;
  const undertaking = { workload, autoscaler, template: target.template, strategy, byRoute };
  const [forecast, waits, alerts, ahead, backup] = await Promise.all([
    readForecast(kubernetes, undertaking).catch(() => null),
    translateDatabaseErrors(() =>
      listWaits(db, { ref, dependsOn: describeAbout(workload).dependsOn, place: null, overridden: [] }, now),
    ),
    listFiring(context, ref),
    findNextFreeze(db, ref, now, leastPauseSeconds(strategy)),
    translateDatabaseErrors(() => readAtHand(db, ref, workload.metadata.labels?.[kindLabel] ?? "")),
  ]);
  const snapshot = takeSnapshot(workload, revisions);
  const own = readOwnStrategy(workload).strategy;
  const checklist = answerChecklist({
    template: dryRun.workload?.spec.template ?? target.template,
    strategy,
    sharing: strategy.kind === "canary" && !byRoute ? snapshot.replicas : null,
    ...config,
    budgets,
    alerts,
    freeze: waits.find(({ id }) => id === "freeze")?.message ?? null,
    freezeAhead: ahead && `It would be under way when this begins: ${describeFreeze(ahead)}`,
    revision: snapshot.revision,
    historyLimit: historyLimitOf(workload),
    forecast,
    ownPauseSeconds: own && leastPauseSeconds(own),
    backup,
    now,
    ticks: new Set(parts.ticks),
  });
  const blockers = [
    ...listUnselected(services, target.template),
    ...listRefusals(strategy, workload, { ...world, services }, { byRoute, dryRun, hasPrometheus: context.prometheus !== null }),
    ...checklist
      .filter(({ state, isBlocker }) => state === "failed" && isBlocker)
      .map(({ id, title, detail }): Blocker => ({ id, message: `${title}: ${detail}`, canOverride: true, canQueue: false })),
    ...waits,
  ];
  const blocking = new Set(blockers.map(({ id }) => id));
  const after = dryRun.workload ?? { ...workload, spec: { ...workload.spec, template: target.template } };
  return {
    at: now.toISOString(),
    seen: { uid: workload.metadata.uid, templateHash },
    strategy,
    steps: compileSteps(strategy, snapshot.replicas),
    version: { from: snapshot.version, to: versionIn(target, workload) },
    diff: {
      template: { before: templateYaml(target.before), after: templateYaml(after.spec.template) },
      annotations: compareAnnotations(workload, after),
      config: config.diffs,
      replicas: {
        before: snapshot.replicas,
        after: after.spec.replicas ?? snapshot.replicas,
        autoscaler: autoscaler && { name: autoscaler.metadata.name, ...limitsOf(autoscaler) },
      },
    },
    forecast,
    rollback: describeReturn(strategy, workload, { copies: target.copies, config: config.diffs, revision: snapshot.revision }),
    dryRun: { accepted: dryRun.accepted, message: dryRun.message },
    checklist: checklist.map((item) => ({ ...item, isBlocker: item.isBlocker || blocking.has(item.id) })),
    blockers,
  };
}

type DryRun = Preflight["dryRun"] & { workload: Workload | null };

/** The cluster's own answer to what would be written. */
async function tryOnServer(
  context: StartContext,
  ref: ServiceRef,
  { workload, strategy, target, copies }: Parts,
): Promise<DryRun> {
  const { kubernetes, sealer } = context;
  const { kind } = workload.workload;
  try {
    await createCopies(kubernetes, ref.namespace, copies, { sealer, rolloutId: "", dryRun: true });
    const patch = [{ op: "replace", path: "/spec/template", value: target.template } as const];
    const after = await kubernetes.patch<Workload>(paths.workload(kind, ref.namespace, ref.name), patch, { dryRun: true });
    if (strategy.kind !== "rolling" && kind === "Deployment")
      await tryCandidate(context, ref, workload.workload, { strategy, target });
    return { accepted: true, message: "The cluster accepts it.", workload: { ...after, kind } };
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.code !== "kubernetes-refused") throw error;
    return { accepted: false, message: error.message, workload: null };
  }
}

/** One that is there is of a rollout that this one waits for. */
async function tryCandidate(
  { kubernetes }: Context,
  { namespace }: ServiceRef,
  stable: Workload,
  { strategy, target }: Pick<Parts, "strategy" | "target">,
): Promise<void> {
  const { progressDeadlineSeconds } = strategy;
  const candidate = candidateDeployment(stable, {
    rolloutId: "",
    template: target.template,
    replicas: 1,
    progressDeadlineSeconds,
  });
  await kubernetes.create(workloadsPath(namespace), candidate, { dryRun: true }).catch((error: unknown) => {
    if (!(error instanceof KubernetesError) || error.status !== 409) throw error;
  });
}

type Circumstances = { byRoute: boolean; dryRun: DryRun; hasPrometheus: boolean };

/** A Service without instances drops its traffic, and no step would tell: its endpoints are empty, not failing. */
function listUnselected(services: readonly ServiceObject[], template: PodTemplate): Blocker[] {
  const lost = services.flatMap((service) => {
    const missing = missingLabels(service, template);
    return missing.length > 0 ? [`The Service ${service.metadata.name} selects by ${missing.join(", ")}`] : [];
  });
  if (lost.length === 0) return [];
  const message = `${lost.join("; ")}: new instances do not carry that, and its traffic would go to nothing. Keep the labels.`;
  return [{ id: "selector", message, canOverride: false, canQueue: false }];
}

/** What no administrator can override, for it could not be carried out; and a first step that is none. */
function listRefusals(
  strategy: Strategy,
  workload: Workload,
  ways: Ways,
  { byRoute, dryRun, hasPrometheus }: Circumstances,
): Blocker[] {
  const final = (id: string, message: string): Blocker => ({ id, message, canOverride: false, canQueue: false });
  const blockers: Blocker[] = [];
  if (!dryRun.accepted) blockers.push(final("dry-run", dryRun.message));
  const refused = refuseStrategy(strategy, workload, ways);
  if (refused) blockers.push(final("strategy", refused));
  if (!hasPrometheus && analysesOf(strategy).length > 0) {
    blockers.push(
      final("prometheus", "No Prometheus is connected, so there is nothing to analyse; leave the analysis out or connect one."),
    );
  }
  const { name } = workload.metadata;
  const total = workload.spec.replicas ?? 1;
  if (total === 0) blockers.push(final("replicas", `${name} is scaled to 0; there is nothing to roll out step by step.`));
  const first = strategy.kind === "canary" ? strategy.steps[0]?.weight : undefined;
  if (first !== undefined && first < 100 && !byRoute && total > 0 && Math.ceil((total * first) / 100) >= total) {
    blockers.push({
      id: "share",
      message: `With ${total === 1 ? "1 instance" : `${total} instances`} and no route, the first step of ${first} % is already all of ${name}; have more instances, a route, or roll it in another way.`,
      canOverride: true,
      canQueue: false,
    });
  }
  return blockers;
}

async function readBudgets({ kubernetes }: Context, namespace: string): Promise<PodDisruptionBudget[] | null> {
  return kubernetes.list<PodDisruptionBudget>(paths.disruptionBudgetsOf(namespace)).catch((error: unknown) => {
    if (error instanceof KubernetesError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  });
}

async function listFiring({ db }: Context, { namespace, name }: ServiceRef) {
  return translateDatabaseErrors(async () => {
    const [sources, episodes] = await Promise.all([
      db.alertSource.count({ where: { disabledAt: null } }),
      db.alertEpisode.findMany({
        where: { namespace, service: name, ...firing },
        select: { name: true, severity: true },
        distinct: ["name", "severity"],
        orderBy: [{ severity: "asc" }, { name: "asc" }],
        take: 20,
      }),
    ]);
    return sources === 0 ? null : episodes;
  });
}

function requireMetrics(strategy: Strategy, kind: string): void {
  const unknown = analysesOf(strategy).flatMap((analysis) => unknownMetrics(analysis, kind));
  if (unknown.length === 0) return;
  const message = `A ${kind} has no ${[...new Set(unknown)].join(", ")} to measure; choose other metrics.`;
  throw new DomainError("invalid-input", message, { fields: { strategy: [message] } });
}

function requireKnownTicks(ticks: readonly string[]): void {
  const unknown = ticks.filter((id) => !manualChecks.includes(id));
  if (unknown.length === 0) return;
  const message = `Nobody can answer for ${unknown.join(", ")}; by hand there are ${manualChecks.join(", ")}.`;
  throw new DomainError("invalid-input", message, { fields: { ticks: [message] } });
}

function versionIn({ template }: RolloutTarget, { metadata }: Workload): string {
  return versionOf(mainContainer(template.spec.containers, metadata.name)?.image ?? "");
}

function historyLimitOf({ spec }: Workload): number {
  return (spec as { revisionHistoryLimit?: number }).revisionHistoryLimit ?? 10;
}

/** The workload's, on which a rollout leaves its id, and those of its instances. */
function compareAnnotations(before: Workload, after: Workload): FieldChange[] {
  const [was, becomes] = [before, after].map(({ spec }) => spec.template.metadata?.annotations ?? {});
  const names = [...new Set([...Object.keys(was ?? {}), ...Object.keys(becomes ?? {})])].toSorted();
  return [
    {
      field: rolloutAnnotation,
      before: before.metadata.annotations?.[rolloutAnnotation] ?? null,
      after: "the id of this rollout",
    },
    ...names.map((name) => ({ field: `${name} of its instances`, before: was?.[name] ?? null, after: becomes?.[name] ?? null })),
  ].filter((change) => change.before !== change.after);
}
