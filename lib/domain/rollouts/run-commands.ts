import { z } from "zod";
import type { Prisma, Rollout } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import { describeRequest, findEarlier, hashRequest, type Request, readReason, recordRefusal } from "../actions/ledger.ts";
import { type ActionResult, idempotencyKeySchema, reasonSchema } from "../actions/schemas.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, isUniqueViolation, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { announceRolloutEnd } from "../notifications/announce.ts";
import { parseId, parseInput } from "../validation.ts";
import type { RolloutRun } from "./engine/run.ts";
import { allowedCommands, orderRun, type RunCommand } from "./engine/run-control.ts";
import { readWorld } from "./engine/world.ts";
import { planRetry } from "./retry.ts";

export const runCommands = ["promote", "skip", "abort", "retry", "pause", "resume"] as const satisfies RunCommand[];

/** POST /api/rollouts/:id/:command */
export const runCommandSchema = z.object({
  reason: reasonSchema,
  /** An administrator's with retry: in spite of a freeze, an alert or a dependency. */
  override: z.boolean().default(false),
});

/** A command on a running rollout as it comes: nothing of it has been checked. */
export type RunCommandRequest = { id: unknown; command: string; body: unknown; key: unknown };

type Order = { command: RunCommand; reason: string; override: boolean };
type Change = { data: Prisma.RolloutUncheckedUpdateManyInput; event: { kind: string; message: string } };

const mostAttempts = 5;

/**
 * Promotes, skips, aborts, retries, pauses or resumes a rollout with a strategy; the controller does the rest. Operators. Audited
 * with its reason; a repeated request with the same key gets the first one's answer.
 */
export async function commandRollout(context: Context, { id, command, body, key }: RunCommandRequest): Promise<ActionResult> {
  const known = parseCommand(command);
  const row = await readRow(context, parseId(String(id), "rollout"));
  const ref = { namespace: row.namespace, name: row.service };
  const refused: Request = { verb: known, ref, reason: readReason(body), key: "", hash: "", targetKind: "rollout" };
  try {
    authorise(context, "operator", `${known} a rollout`);
    const { reason, override } = parseInput(runCommandSchema, body);
    if (override) requireOverride(context, known);
    const asked = { reason, ...(override && { override }) };
    const request = { ...refused, reason, key: key === undefined ? makeUuid() : parseInput(idempotencyKeySchema, key) };
    const order: Order = { command: known, reason, override };
    return await carryOut(context, row, order, { ...request, hash: hashRequest(`${known} ${row.id}`, ref, asked) });
  } catch (error) {
    if (error instanceof DomainError) await recordRefusal(context, refused, null, error);
    throw error;
  }
}

/** A start's override was for what stood against it then; a retry needs one of its own. */
function requireOverride(context: Context, command: RunCommand): void {
  authorise(context, "admin", "override what blocks a rollout");
  if (command === "retry") return;
  const message = "Only a retry has something to override.";
  throw new DomainError("invalid-input", message, { fields: { override: [message] } });
}

function parseCommand(command: string): RunCommand {
  const known = runCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for a rollout.`);
  return known;
}

async function readRow({ db }: Pick<Context, "db">, id: string): Promise<Rollout> {
  const row = await translateDatabaseErrors(() => db.rollout.findUnique({ where: { id } }));
  if (!row) throw new DomainError("not-found", "There is no rollout with this id.");
  if (row.strategy === null) {
    throw new DomainError(
      "precondition-failed",
      "This change was written at once and is only followed: it has no steps to command.",
    );
  }
  return row;
}

/** The controller writes the same row: a command is laid over whatever it has just left, while it is still allowed there. */
async function carryOut(context: Context, first: Rollout, order: Order, request: Request): Promise<ActionResult> {
  const earlier = await findEarlier(context, request);
  if (earlier && "auditId" in earlier) return { ...earlier, rolloutId: first.id };
  let row = first;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const reason = allowedCommands(row.state, row.run as RolloutRun | null)[order.command];
    if (reason !== null) throw new DomainError("precondition-failed", `Nothing was done. ${reason}`);
    const change = await plan(context, row, order);
    const result = await store(context, row, request, change);
    if (result) return { ...result, rolloutId: row.id };
    row = await readRow(context, row.id);
  }
  throw new DomainError("idempotency-conflict", "The rollout changes faster than this could be written; try again.", {
    retryAfterSeconds: 2,
  });
}

async function plan(context: Context, row: Rollout, order: Order): Promise<Change> {
  const { command, reason } = order;
  const { actor, kubernetes } = context;
  const now = context.clock();
  if (command === "retry") return planRetry(context, row, order, now);
  const run = row.run as RolloutRun | null;
  if (!run) {
    const message = `Aborted by ${actor.name} before it began: ${reason}`;
    return { data: { state: "aborted", message, finishedAt: now }, event: { kind: "aborted", message } };
  }
  const ref = { namespace: row.namespace, name: row.service };
  const isResume = command === "resume" && run.hold?.cause === "foreign-change";
  const world = isResume ? await readWorld(kubernetes, { ref, uid: row.workloadUid, before: run.before, now }) : nothing;
  const { run: ordered, event } = orderRun(run, command, { by: actor.name, reason, now, world });
  return { data: { run: toJson(ordered), message: event.message, ...stateAfter(command, row) }, event };
}

const nothing = { stable: null, candidate: null };

function stateAfter(command: RunCommand, { state }: Rollout): Pick<Change["data"], "state"> {
  return { state: command === "pause" ? "paused" : command === "resume" || command === "abort" ? "progressing" : state };
}

/** null when the row has changed since it was read. */
async function store(context: Context, row: Rollout, request: Request, { data, event }: Change): Promise<ActionResult | null> {
  const now = context.clock();
  const { message } = event;
  try {
    return await transact(context, async (transaction) => {
      const { count } = await transaction.rollout.updateMany({
        where: { id: row.id, runVersion: row.runVersion, state: row.state },
        data: { ...data, runVersion: { increment: 1 } },
      });
      if (count === 0) return null;
      const entry = await writeAudit(transaction, context, {
        ...describeRequest(request, null),
        targetUid: row.workloadUid,
        before: { state: row.state, message: row.message },
        after: { intended: { version: row.toVersion }, message, generation: null, rolloutId: row.id },
        outcome: "succeeded",
      });
      await transaction.rolloutEvent.create({ data: { rolloutId: row.id, at: now, by: context.actor.name, ...event } });
      if (data.state === "aborted") await announceRolloutEnd(transaction, row, { state: "aborted", message }, now);
      return { auditId: entry.id, rolloutId: row.id, outcome: "succeeded", message };
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const earlier = await findEarlier(context, request);
    if (earlier && "auditId" in earlier) return earlier;
    throw new DomainError("precondition-failed", "Nothing was done. Another rollout of the service is under way.");
  }
}
