import { isDeepStrictEqual } from "node:util";
import { Prisma, type Rollout } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import type { Transaction } from "#lib/domain/context.ts";
import { kindLabel } from "#lib/domain/fleet/schemas.ts";
import { presentRevision } from "#lib/domain/fleet/template.ts";
import { announceRolloutEnd } from "#lib/domain/notifications/announce.ts";
import { type MeasureInput, type Measurement, measure } from "#lib/domain/rollouts/analysis/measure.ts";
import { type Advance, advance } from "#lib/domain/rollouts/engine/advance.ts";
import type { RolloutRun } from "#lib/domain/rollouts/engine/run.ts";
import { dueMeasurements } from "#lib/domain/rollouts/engine/run-analyses.ts";
import { readWorld, type World } from "#lib/domain/rollouts/engine/world.ts";
import { pathOf } from "#lib/domain/rollouts/engine/writes.ts";
import { runPostChecks } from "#lib/domain/rollouts/post-checks.ts";
import type { RolloutTarget } from "#lib/domain/rollouts/start/target.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { writeAll } from "./rollout-writes.ts";
import type { ReconcilerContext } from "./rollouts.ts";

type RunnerContext = ReconcilerContext & {
  /** Asks Prometheus; tests answer themselves. */
  measure?: (input: MeasureInput) => Promise<Measurement>;
};

/** Steps that need nothing of the cluster follow each other at once, but a run that goes round in circles ends its pass. */
const mostPasses = 20;
const passTimeoutMs = 60_000;
/** Each holds a connection to the database for the time of a pass. */
const concurrency = 3;
const overtaken = new Error("a command came during the pass");

/**
 * Carries every rollout with a strategy one pass further. A pass holds the rollout's lock while it reads, decides, writes to the
 * cluster and stores, so that two controllers never act on one rollout at once; what a killed one left is read from the cluster. One
 * that vanishes with its machine loses the lock after a minute.
 */
export async function carryOutRollouts(context: RunnerContext): Promise<void> {
  const open = await context.db.rollout.findMany({
    where: { state: { in: ["progressing", "paused"] }, strategy: { not: Prisma.DbNull } },
    orderBy: { startedAt: "asc" },
    select: { id: true, service: true },
    take: 500,
  });
  const waiting = open.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const one of waiting) await carryOutSafely(context, one);
    }),
  );
  await checkComplete(context);
}

/** One that cannot be carried out now says so, and keeps no other one back. */
async function carryOutSafely(context: RunnerContext, { id, service }: Pick<Rollout, "id" | "service">): Promise<void> {
  try {
    for (let pass = 0; pass < mostPasses; pass += 1) if (!(await carryOut(context, id))) break;
  } catch (error) {
    if (error === overtaken) return;
    context.logger.warn({ err: error, rollout: id, service }, "a rollout cannot be carried out now");
    if (!(error instanceof KubernetesError)) return;
    const { message } = error;
    const where = { id, state: { in: ["progressing", "paused"] }, message: { not: message } } satisfies Prisma.RolloutWhereInput;
    await context.db.rollout.updateMany({ where, data: { message, runVersion: { increment: 1 } } });
  }
}

/** One pass; true when the next one need not wait. */
async function carryOut(context: RunnerContext, id: string): Promise<boolean> {
  return context.db.$transaction(
    async (transaction) => {
      const [lock] = await transaction.$queryRaw<{ held: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(hashtextextended(${`rollout/${id}`}, 0)) AS held,
          set_config('idle_in_transaction_session_timeout', ${String(passTimeoutMs)}, true)`;
      const row = lock?.held ? await transaction.rollout.findUnique({ where: { id } }) : null;
      if (!row || row.run === null || (row.state !== "progressing" && row.state !== "paused")) return false;
      return pass(context, transaction, row);
    },
    { timeout: passTimeoutMs, maxWait: 5_000 },
  );
}

async function pass(context: RunnerContext, transaction: Transaction, row: Rollout): Promise<boolean> {
  const now = context.clock();
  const run = row.run as unknown as RolloutRun;
  const ref = { namespace: row.namespace, name: row.service };
  const world = await readWorld(context.kubernetes, { ref, uid: row.workloadUid, before: run.before, now });
  const measured = await takeMeasurements(context, row, world, now);
  const target = await readTarget(context.kubernetes, row, world);
  if ("refusal" in target) {
    const result = refused(run, target.refusal);
    await store(transaction, row, { result, target: row.target as unknown as RolloutTarget, measured, world, now });
    return false;
  }
  const result = advance({
    rolloutId: row.id,
    run,
    strategy: row.strategy as unknown as Strategy,
    target,
    world,
    measured,
    now,
  });
  const failure = await writeAll(context.kubernetes, result.writes);
  const message = failure ? `${result.message} ${failure}` : result.message;
  await store(transaction, row, { result: { ...result, message }, target, measured, world, now });
  return result.moved;
}

/**
 * Before anything is written: the template as the cluster will store it, defaults included, so that it is known again later; or why
 * the cluster would not take it.
 */
async function readTarget(
  kubernetes: KubernetesClient,
  row: Rollout,
  { stable }: World,
): Promise<RolloutTarget | { refusal: string }> {
  const target = row.target as unknown as RolloutTarget;
  const run = row.run as unknown as RolloutRun;
  if (run.by !== null || run.abort || run.hold || !stable) return target;
  const patch = [{ op: "replace", path: "/spec/template", value: target.template }] as const;
  try {
    const stored = await kubernetes.patch<Workload>(pathOf(stable), [...patch], { dryRun: true });
    return { ...target, template: stored.spec.template };
  } catch (error) {
    if (error instanceof KubernetesError && refusals.includes(error.status)) return { refusal: error.message };
    throw error;
  }
}

/** Answers that stay the same however often it is asked: a bad request, a policy or permission, a rule of the object's. */
const refusals: readonly number[] = [400, 403, 422];

/** Nothing was written yet: it ends with that. */
function refused(run: RolloutRun, message: string): Advance {
  const end = { state: "failed", message } as const;
  return { run, writes: [], events: [{ kind: "ended", message }], state: "progressing", message, moved: false, end };
}

type Measured = Measurement & { step: number };

function takeMeasurements(context: RunnerContext, row: Rollout, { stable }: World, now: Date): Promise<Measured[]> {
  const take = context.measure ?? measure;
  const kind = stable?.metadata.labels?.[kindLabel] ?? "";
  const ref = { namespace: row.namespace, name: row.service };
  const track = (row.strategy as unknown as Strategy).kind === "rolling" ? "all" : "candidate";
  const due = stable ? dueMeasurements(row.run as unknown as RolloutRun, now) : [];
  return Promise.all(
    due.map(async ({ step, ...one }) => ({
      ...(await take({ prometheus: context.prometheus, kind, ref, track, now, ...one })),
      step,
    })),
  );
}

type Outcome = { result: Advance; target: RolloutTarget; measured: readonly Measured[]; world: World; now: Date };

/** Over the version that was read: a command that came meanwhile undoes the whole pass, and the next one obeys it. */
async function store(transaction: Transaction, row: Rollout, { result, target, measured, world, now }: Outcome): Promise<void> {
  const { run, events, end } = result;
  const state = end?.state ?? result.state;
  const message = end?.message ?? result.message;
  const isSame = state === row.state && message === row.message && isDeepStrictEqual(toJson(run), row.run);
  if (isSame && events.length === 0 && measured.length === 0) return;
  const toRevision = end?.state === "complete" && world.stable ? presentRevision(world.stable, world.revisions) : null;
  const { count } = await transaction.rollout.updateMany({
    where: { id: row.id, runVersion: row.runVersion },
    data: {
      run: toJson(run),
      target: toJson(target),
      runVersion: { increment: 1 },
      state,
      message,
      ...(toRevision === null ? {} : { toRevision }),
      ...(end ? { finishedAt: now, activeKey: null } : {}),
    },
  });
  if (count === 0) throw overtaken;
  await transaction.rolloutEvent.createMany({
    data: events.map((event) => ({ rolloutId: row.id, at: now, by: "Switchyard", ...event })),
  });
  await transaction.rolloutMeasurement.createMany({
    data: measured.map(({ detail, ...one }) => ({ rolloutId: row.id, ...one, detail: toJson(detail) })),
    skipDuplicates: true,
  });
  const told = end ?? failureOf(row.run as unknown as RolloutRun, run);
  if (told) await announceRolloutEnd(transaction, row, told, now);
}

/** One that failed and stays where it is has not ended, but people are told as if it had. */
function failureOf(before: RolloutRun, { hold }: RolloutRun): { state: "failed"; message: string } | null {
  return hold?.cause === "failed" && before.hold?.cause !== "failed" ? { state: "failed", message: hold.message } : null;
}

/** The checks after a rollout, also of one whose controller was killed before it made them. */
async function checkComplete(context: RunnerContext): Promise<void> {
  const since = new Date(context.clock().getTime() - 600_000);
  const complete = await context.db.rollout.findMany({
    where: {
      state: "complete",
      strategy: { not: Prisma.DbNull },
      finishedAt: { gte: since },
      events: { none: { kind: "check" } },
    },
    take: 50,
  });
  for (const rollout of complete) await runPostChecks(context, rollout);
}
