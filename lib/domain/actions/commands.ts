import type { AuditEntry } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { serviceRefSchema } from "../fleet/schemas.ts";
import { refuseInFreeze } from "../rollouts/start/freeze.ts";
import { refuseDuringRollout } from "../rollouts/start/waits.ts";
import { parseInput } from "../validation.ts";
import { type BreakerAction, switchBreakers } from "./breaker-action.ts";
import { moveToReplica } from "./fail-over.ts";
import { claim, findEarlier, hashRequest, type Request, readReason, recordRefusal, settleDone, settleEnded } from "./ledger.ts";
import { type Action, type Plan, planAction, takeSnapshot, type WorkloadAction } from "./plan.ts";
import { requireFresh } from "./preconditions.ts";
import { type ActionResult, type ActionVerb, actionSchemas, idempotencyKeySchema, isBreakerVerb } from "./schemas.ts";
import { judgePending } from "./settlement.ts";
import { readTarget, refuseAutoscaled, type Target } from "./target.ts";

/** A request for an action as it comes: nothing of it has been checked. */
export type ActionRequest = { verb: string; ref: unknown; body: unknown; key: unknown };

// A row is taken for a crashed process's after 60 s, so no write may begin later than this after its row.
const writeWithinMs = 30_000;
const retryAfterSeconds = 2;

/**
 * Carries out an action on a service: scale, restart, image, pause, resume or rollback with kubectl's semantics, a fail-over of its
 * database, or the switch of its circuit breaker. The write is bound to the version that was read and tried again while what the person saw still holds. A repeated request with the same
 * key gets the first one's answer. Every refusal is audited.
 */
export async function performAction(context: Context, { verb, ref, body, key }: ActionRequest): Promise<ActionResult> {
  const { action, request } = await admit(context, { verb, ref, body, key });
  const earlier = await findEarlier(context, request);
  if (earlier) return "outcome" in earlier && "auditId" in earlier ? earlier : resumePending(context, earlier);

  if (isBreakerAction(action)) {
    const switched = await switchBreakers(context, request, action);
    return switched ?? performAction(context, { verb, ref, body, key });
  }
  const now = context.clock();
  let target: Target | null = null;
  let plan: Plan;
  try {
    target = await readTarget(context, request.ref);
    plan = await preparePlan(context, { action, target, now });
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, request, target && auditedTarget(target), error);
    throw error;
  }
  const entry = await claim(context, request, auditedTarget(target), plan.intended);
  if (!entry) return performAction(context, { verb, ref, body, key });
  const work = { entry, request, action, target, plan, now };
  if (action.verb !== "fail-over") return carryOut(context, work);
  // The database first, and the restart after it: instances that come back read the address of the new primary.
  const database = await moveToReplica(context, target.workload).catch(async (error: unknown) => {
    if (error instanceof DomainError) await settleEnded(context, entry, error);
    throw error;
  });
  return carryOut(context, { ...work, moved: database });
}

function isBreakerAction(action: Action): action is BreakerAction {
  return isBreakerVerb(action.verb);
}

/** Checks role, input and key; what is refused here is audited without a key. */
async function admit(context: Context, { verb, ref, body, key }: ActionRequest): Promise<{ action: Action; request: Request }> {
  const service = parseInput(serviceRefSchema, ref);
  if (!Object.hasOwn(actionSchemas, verb)) throw new DomainError("not-found", `There is no action ${verb}.`);
  const known = verb as ActionVerb;
  try {
    authorise(context, "operator", `${known} a service`);
    const action = readAction(known, body);
    const request: Request = {
      verb: known,
      ref: service,
      reason: action.input.reason,
      key: parseInput(idempotencyKeySchema, key),
      hash: hashRequest(known, service, action.input),
    };
    return { action, request };
  } catch (error) {
    if (error instanceof DomainError) {
      await recordRefusal(context, { verb: known, ref: service, reason: readReason(body), key: "", hash: "" }, null, error);
    }
    throw error;
  }
}

/** The action of a request's body; throws invalid-input. */
export function readAction(verb: ActionVerb, body: unknown): Action {
  return { verb, input: parseInput(actionSchemas[verb], body) } as Action;
}

/** What a plan is made from. `now` stays the same when the plan is made again, so that a restart keeps its mark. */
export type PlanInput = { action: WorkloadAction; target: Target; now: Date };

/** Checks the preconditions on what was just read, and plans; throws stale or precondition-failed. */
export async function preparePlan(context: Context, { action, target, now }: PlanInput): Promise<Plan> {
  requireFresh(action.input.seen, target);
  const { namespace = "", name } = target.workload.metadata;
  await translateDatabaseErrors(async () => {
    await refuseDuringRollout(context.db, { namespace, name });
    if (action.verb === "image") await refuseInFreeze(context.db, { namespace, name }, context.clock());
  });
  if (action.verb === "scale") await refuseAutoscaled(context, target.workload);
  return planAction(action, target, now);
}

type Work = {
  entry: AuditEntry;
  request: Request;
  action: WorkloadAction;
  target: Target;
  plan: Plan;
  now: Date;
  /** Where the database is now, after a fail-over. */
  moved?: string;
};

async function carryOut(context: Context, work: Work): Promise<ActionResult> {
  const { entry, request, action, now, moved } = work;
  let { target, plan } = work;
  const deadline = performance.now() + writeWithinMs;
  for (;;) {
    const { nothingToDo } = plan;
    const intended = moved === undefined ? plan.intended : { ...plan.intended, database: moved };
    const generation = target.workload.metadata.generation ?? 0;
    if (nothingToDo) return settleDone(context, entry, intended, generation, `Nothing was changed. ${nothingToDo}`);
    const written = await write(context, request, target, plan).catch((error: unknown) => error);
    if (!(written instanceof Error)) {
      return settleDone(context, entry, intended, (written as Workload).metadata.generation ?? generation);
    }
    if (!(written instanceof KubernetesError)) throw written;
    if (written.code === "kubernetes-unavailable") return settleUnanswered(context, entry, written);
    try {
      const next = await readTarget(context, request.ref);
      const isConflict = next.workload.metadata.resourceVersion !== target.workload.metadata.resourceVersion;
      if (!isConflict) throw written;
      if (performance.now() > deadline) {
        throw new DomainError(
          "kubernetes-unavailable",
          "The service changes faster than this could be written. Nothing was changed; try again.",
        );
      }
      target = next;
      plan = await preparePlan(context, { action, target, now });
    } catch (error) {
      if (error instanceof DomainError) await settleEnded(context, entry, error);
      throw error;
    }
  }
}

function write({ kubernetes }: Context, { ref }: Request, { workload }: Target, { patch }: Plan): Promise<Workload> {
  const test = { op: "test", path: "/metadata/resourceVersion", value: workload.metadata.resourceVersion } as const;
  return kubernetes.patch<Workload>(paths.workload(workload.kind, ref.namespace, ref.name), [test, ...patch]);
}

/** The write got no answer: the world tells whether it was made. While that cannot be asked, the row stays pending. */
async function settleUnanswered(context: Context, entry: AuditEntry, error: KubernetesError): Promise<ActionResult> {
  const verdict = await judgePending(context, entry).catch(() => null);
  if (verdict?.kind === "done") return settleDone(context, entry, verdict.intended, verdict.generation);
  const unsure = "It is not known yet whether the change was made; the audit will show it as soon as the cluster can be asked.";
  throw new DomainError("kubernetes-unavailable", `${error.message} ${unsure}`, { retryAfterSeconds }, { cause: error });
}

async function resumePending(context: Context, entry: AuditEntry): Promise<ActionResult> {
  const ageMs = context.clock().getTime() - entry.at.getTime();
  if (ageMs < writeWithinMs * 2) {
    throw new DomainError("idempotency-conflict", "The first request with this key is still under way; ask again in a moment.", {
      retryAfterSeconds,
    });
  }
  const verdict = await judgePending(context, entry);
  if (verdict.kind === "done") return settleDone(context, entry, verdict.intended, verdict.generation);
  await settleEnded(context, entry, verdict.error);
  throw verdict.error;
}

function auditedTarget({ workload, revisions }: Target) {
  return { uid: workload.metadata.uid, before: takeSnapshot(workload, revisions) };
}
