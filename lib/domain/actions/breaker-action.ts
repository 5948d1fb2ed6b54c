import type { AuditEntry } from "#lib/database/generated/client.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { breakerPlaceOf, type InstanceBreaker, readBreakers, switchBreakersOf } from "./breakers.ts";
import { claim, type Request, recordRefusal, settleDone, settleEnded } from "./ledger.ts";
import { type Action, takeSnapshot } from "./plan.ts";
import { requireFresh } from "./preconditions.ts";
import type { ActionPreview, ActionResult, BreakerVerb } from "./schemas.ts";
import { readTarget, type Target } from "./target.ts";

export type BreakerAction = Extract<Action, { verb: BreakerVerb }>;
type Wanted = "open" | "closed";

const wantedBy = (verb: BreakerVerb): Wanted => (verb === "open-breaker" ? "open" : "closed");

/** A breaker that is held open, or one that is neither held nor open: what the action asks for. */
const isAs = (wanted: Wanted) => (breaker: InstanceBreaker) =>
  breaker.error === null && (wanted === "open" ? breaker.isHeld : !breaker.isHeld && breaker.state !== "open");

/**
 * Switches the circuit breaker of every running instance. The row of the audit is settled by what the instances then say; when some
 * could not be switched it fails and names them. Null when a request with the same key was faster.
 */
export async function switchBreakers(context: Context, request: Request, action: BreakerAction): Promise<ActionResult | null> {
  const wanted = wantedBy(action.verb);
  let target: Target | null = null;
  let before: InstanceBreaker[];
  try {
    target = await readTarget(context, request.ref);
    requireFresh(action.input.seen, target);
    before = await readBreakers(context, target.workload);
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, request, target && { uid: uidOf(target), before: {} }, error);
    throw error;
  }
  const { workload, revisions } = target;
  const snapshot = { ...takeSnapshot(workload, revisions), breakers: before };
  const entry = await claim(context, request, { uid: uidOf(target), before: snapshot }, { breakers: wanted });
  if (!entry) return null;
  const generation = workload.metadata.generation ?? 0;
  const { upstream } = breakerPlaceOf(workload);
  if (before.every(isAs(wanted))) {
    return settleDone(context, entry, { breakers: wanted }, generation, `Nothing was changed. ${nothingToDo(wanted, upstream)}`);
  }
  let after: InstanceBreaker[];
  try {
    after = await switchBreakersOf(context, workload, wanted);
  } catch (error) {
    if (error instanceof DomainError) await settleEnded(context, entry, error);
    throw error;
  }
  const failed = after.filter((breaker) => !isAs(wanted)(breaker));
  if (failed.length > 0) {
    const error = notAll(wanted, after, failed);
    await settleEnded(context, entry, error);
    throw error;
  }
  const count = after.length === 1 ? "its only instance" : `all ${after.length} instances`;
  const words =
    wanted === "open"
      ? `held open on ${count}: nothing goes to ${upstream} until it is closed.`
      : `closed on ${count}: they go to ${upstream} again.`;
  return settleDone(context, entry, { breakers: wanted }, generation, `The circuit breaker of ${request.ref.name} is ${words}`);
}

/** What the instances say of an action whose process did not tell. */
export async function judgeBreakers(context: Pick<Context, "kubernetes">, entry: AuditEntry): Promise<"done" | DomainError> {
  const wanted = wantedBy(entry.verb as BreakerVerb);
  const target = await readTarget(context, { namespace: entry.targetNamespace ?? "", name: entry.targetName });
  const now = await readBreakers(context, target.workload);
  const failed = now.filter((breaker) => !isAs(wanted)(breaker));
  return failed.length === 0 ? "done" : notAll(wanted, now, failed);
}

/** How each instance's breaker stands, and will. */
export async function previewBreakers(context: Context, action: BreakerAction, target: Target): Promise<ActionPreview> {
  requireFresh(action.input.seen, target);
  const wanted = wantedBy(action.verb);
  const { upstream } = breakerPlaceOf(target.workload);
  const breakers = await readBreakers(context, target.workload);
  const changes = breakers
    .filter((breaker) => !isAs(wanted)(breaker))
    .map((breaker) => ({
      field: breaker.pod,
      before: describeBreaker(breaker),
      after: wanted === "open" ? "held open" : "closed",
    }));
  return {
    changes,
    template: null,
    affected:
      wanted === "open"
        ? [`Nothing goes to ${upstream} any more. What instances cannot hand over they keep as long as they have room.`]
        : [`What was kept goes to ${upstream} at once: look at its load before.`],
    unchanged: [],
    nothingToDo: changes.length === 0 ? nothingToDo(wanted, upstream) : null,
  };
}

function describeBreaker({ state, isHeld, error }: InstanceBreaker): string {
  if (error !== null) return `not known: ${error}`;
  return isHeld ? "held open" : (state ?? "not known");
}

function nothingToDo(wanted: Wanted, upstream: string): string {
  return wanted === "open" ? `Every instance holds it open to ${upstream} already.` : `No instance holds it open to ${upstream}.`;
}

function notAll(wanted: Wanted, all: readonly InstanceBreaker[], failed: readonly InstanceBreaker[]): DomainError {
  const names = failed.map(({ pod, error }) => (error ? `${pod} (${error})` : pod)).join("; ");
  const message = `The circuit breaker is ${wanted} on ${all.length - failed.length} of ${all.length} instances, not on ${names}. Try again: those that have it stay so.`;
  return new DomainError("precondition-failed", message);
}

function uidOf({ workload }: Target): string {
  return workload.metadata.uid;
}
