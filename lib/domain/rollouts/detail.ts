import { z } from "zod";
import type { Database } from "#lib/database/client.ts";
import type { RolloutEvent, RolloutMeasurement } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import { VersionWatch } from "../version-watch.ts";
import { budgetLeft } from "./analysis/verdict.ts";
import { compileSteps } from "./engine/compile-steps.ts";
import type { RolloutRun, Step } from "./engine/run.ts";
import { allowedCommands } from "./engine/run-control.ts";
import { describeStep } from "./engine/step-texts.ts";
import type { PostCheck } from "./post-checks.ts";
import { viewRollout } from "./queries.ts";
import {
  type MeasurementView,
  mostMeasurements,
  type RolloutDetail,
  type RolloutEventView,
  type RolloutState,
  type StepView,
} from "./schemas.ts";
import type { Strategy } from "./strategy.ts";

/** GET /api/rollouts/:id?after=VERSION&waitSeconds=30 */
export const followSchema = z.object({
  after: z.coerce.number().int().min(0).optional(),
  waitSeconds: z.coerce.number().int().min(0).max(30).default(0),
});

const versions = new VersionWatch("rollouts", async (db: Pick<Database, "rollout">, ids) => {
  const rows = await db.rollout.findMany({ where: { id: { in: ids } }, select: { id: true, runVersion: true } });
  return new Map(rows.map(({ id, runVersion }) => [id, runVersion]));
});

/**
 * One rollout, whole. With `after` its measurements and events are only those that came after that version, so that who follows it
 * with the version of each answer gets every one of them once; `after` of the answer is null where that version is not known and it
 * has all. With `waitSeconds`, too, it answers as soon as the rollout has another version than that one, or with what there is when
 * the time is over. Throws not-found, and too-many-attempts when too many wait.
 */
export async function getRolloutDetail(
  context: Context,
  id: string,
  input: unknown,
  signal?: AbortSignal,
): Promise<RolloutDetail> {
  authorise(context, "viewer", "see rollouts");
  const rolloutId = parseId(id, "rollout");
  const { after, waitSeconds } = parseInput(followSchema, input);
  if (after !== undefined && waitSeconds > 0) {
    await versions.wait(context.db, { id: rolloutId, after, waitMs: waitSeconds * 1000, signal });
  }
  return translateDatabaseErrors(() => readDetail(context, rolloutId, after));
}

async function readDetail({ db }: Context, id: string, known: number | undefined): Promise<RolloutDetail> {
  const row = await db.rollout.findUnique({
    where: { id },
    include: { auditEntry: { select: { actorName: true, reason: true } } },
    omit: { target: true, preflight: true },
  });
  if (!row) throw new DomainError("not-found", "There is no rollout with this id.");
  const { run: stored, runVersion, activeKey: _, ...rest } = row;
  // A database that was restored may be behind what somebody knows.
  const after = known !== undefined && known <= runVersion ? known : null;
  // What came after the row was read belongs to the next answer.
  const where = { rolloutId: id, version: { lte: runVersion, ...(after !== null && { gt: after }) } };
  const [events, measurements] = await Promise.all([
    db.rolloutEvent.findMany({ where, orderBy: { id: "asc" } }),
    db.rolloutMeasurement.findMany({ where, orderBy: [{ at: "desc" }, { id: "desc" }], take: mostMeasurements }),
  ]);
  const plan = row.strategy as unknown as Strategy | null;
  const run = stored as unknown as RolloutRun | null;
  return {
    ...viewRollout(rest),
    version: runVersion,
    after,
    plan,
    steps: run ? viewRun(row.state, run) : plan ? compileSteps(plan, row.fromReplicas ?? 1).map(viewWaiting) : [],
    share: run && viewShare(row.state, run),
    hold: run?.hold ?? null,
    budget: run ? viewBudget(run) : [],
    measurements: measurements.toReversed().map(viewMeasurement),
    events: events.map(viewEvent),
    commands: plan ? allowedCommands(row.state, run) : onlyFollowed,
  };
}

const whyNot = "This change was written at once and is only followed.";
const onlyFollowed = { promote: whyNot, skip: whyNot, abort: whyNot, retry: whyNot, pause: whyNot, resume: whyNot };

function viewWaiting(step: Step): StepView {
  return { title: describeStep(step), state: "waiting", startedAt: null, endsAt: null };
}

/** The steps as the timeline has them: those that an abort left undone count as left out. */
function viewRun(state: RolloutState, run: RolloutRun): StepView[] {
  const { steps, index, history, abort, skips, stepStartedAt } = run;
  const isEnded = abort !== null || (state !== "progressing" && state !== "paused");
  return steps.map((step, at) => {
    const past = history[at];
    const startedAt = past && !past.isSkipped ? past.startedAt : null;
    const isLeftOut = past?.isSkipped || (skips && at > index && (step.kind === "pause" || step.kind === "analysis"));
    const undone = isEnded ? "skipped" : at === index ? "current" : "waiting";
    return {
      title: describeStep(step),
      state: isLeftOut ? "skipped" : at < index ? "done" : undone,
      startedAt,
      endsAt: step.kind === "pause" && step.seconds !== null && at === index ? later(stepStartedAt, step.seconds) : null,
    };
  });
}

function later(at: string, seconds: number): string {
  return new Date(Date.parse(at) + seconds * 1000).toISOString();
}

function viewShare(state: RolloutState, { by, steps, index, weight }: RolloutRun): RolloutDetail["share"] {
  const isActive = state === "progressing" || state === "paused";
  if (by === null || by === "none" || !isActive || index >= steps.length) return null;
  return { stable: 100 - weight, candidate: weight, by };
}

function viewBudget({ analyses }: RolloutRun): RolloutDetail["budget"] {
  return analyses.filter(({ isOver }) => !isOver).flatMap(({ settings, state }) => budgetLeft(settings, state));
}

function viewMeasurement({ rolloutId: _, version: __, at, verdict, detail, ...row }: RolloutMeasurement): MeasurementView {
  const { test = null } = (detail ?? {}) as { test?: MeasurementView["test"] };
  return { ...row, at: at.toISOString(), verdict: verdict as MeasurementView["verdict"], test };
}

function viewEvent({ id, at, kind, message, by, detail }: RolloutEvent): RolloutEventView {
  const check = kind === "check" ? ((detail as PostCheck | null)?.state ?? "unknown") : null;
  return { id, at: at.toISOString(), kind: kind as RolloutEventView["kind"], message, by, check };
}
