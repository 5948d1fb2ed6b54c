import { toJson } from "#lib/database/storable.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import { describeRequest, findEarlier, hashRequest, type Request, readReason, recordRefusal } from "../../actions/ledger.ts";
import { takeSnapshot } from "../../actions/plan.ts";
import { requireFresh } from "../../actions/preconditions.ts";
import { type ActionResult, idempotencyKeySchema } from "../../actions/schemas.ts";
import { readTarget, type Target } from "../../actions/target.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, isUniqueViolation, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { serviceRefSchema } from "../../fleet/schemas.ts";
import { parseInput } from "../../validation.ts";
import { startRun } from "../engine/compile-steps.ts";
import { createCopies } from "./config-copies.ts";
import { type Prepared, prepareRollout, type StartContext } from "./preflight.ts";
import { type Blocker, type PreflightRecord, startRolloutSchema } from "./start-schemas.ts";
import { activeKeyOf, refuseFullQueue } from "./waits.ts";

/** A request to start a rollout as it comes: nothing of it has been checked. */
export type StartRequest = { ref: unknown; body: unknown; key: unknown };

type Input = ReturnType<typeof startRolloutSchema.parse>;
type Admitted = { input: Input; request: Request };

const verb = "rollout";

/**
 * Starts a rollout with a strategy, or puts it into the queue: checks as preflight does, creates the copies of configuration, and
 * stores the rollout, which the controller then carries out. A repeated request with the same key gets the first one's answer;
 * every refusal is audited. Operators; overriding blockers needs an administrator.
 */
export async function startStrategy(context: StartContext, { ref, body, key }: StartRequest): Promise<ActionResult> {
  const { input, request } = await admit(context, { ref, body, key });
  const earlier = await findAnswer(context, request);
  if (earlier) return earlier;
  let found: Target | null = null;
  try {
    found = await readTarget(context, request.ref);
    requireFresh(input.seen, found);
    const prepared = await prepareRollout(context, request.ref, found, input);
    return await store(context, request, input, prepared);
  } catch (error) {
    // The same request, sent twice at once, may have begun what now stands in its own way.
    const answer = await findAnswer(context, request);
    if (answer) return answer;
    if (error instanceof DomainError) await recordRefusal(context, request, found && auditedTarget(found), error);
    throw error;
  }
}

/** The answer to an earlier request with the same key; null when there was none. A row of this verb is never pending. */
async function findAnswer(context: Context, request: Request): Promise<ActionResult | null> {
  const earlier = await findEarlier(context, request);
  return earlier && "auditId" in earlier ? earlier : null;
}

/** Checks role, input and key; what is refused here is audited without a key. */
async function admit(context: StartContext, { ref, body, key }: StartRequest): Promise<Admitted> {
  const service = parseInput(serviceRefSchema, ref);
  try {
    authorise(context, "operator", "roll out a service");
    const input = parseInput(startRolloutSchema, body);
    const parsedKey = parseInput(idempotencyKeySchema, key);
    // What was asked for may hold a Secret's values: the plain hash would let whoever reads the audit try guesses.
    const hash = context.sealer.fingerprint(hashRequest(verb, service, input), "rollout request");
    return { input, request: { verb, ref: service, reason: input.reason, key: parsedKey, hash } };
  } catch (error) {
    if (error instanceof DomainError) {
      await recordRefusal(context, { verb, ref: service, reason: readReason(body), key: "", hash: "" }, null, error);
    }
    throw error;
  }
}

/** Stores the rollout as one that begins; as one that waits when it must and may. */
async function store(context: StartContext, request: Request, input: Input, prepared: Prepared): Promise<ActionResult> {
  const { blockers } = prepared.preflight;
  const waitsFor = resolveBlockers(context, input, blockers);
  if (waitsFor) await translateDatabaseErrors(() => refuseFullQueue(context.db, request.ref));
  const rolloutId = makeUuid();
  await createCopies(context.kubernetes, request.ref.namespace, prepared.copies, { sealer: context.sealer, rolloutId });
  try {
    return await write(context, { request, input, prepared, rolloutId, waitsFor });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const earlier = await findAnswer(context, request);
    if (earlier) return earlier;
    // Another rollout of the service was faster by a moment.
    const active: Blocker = {
      id: "active",
      message: "Another rollout of the service began just now.",
      canOverride: false,
      canQueue: true,
    };
    const wait = resolveBlockers(context, input, [...blockers, active]);
    if (wait) await translateDatabaseErrors(() => refuseFullQueue(context.db, request.ref));
    return write(context, { request, input, prepared, rolloutId, waitsFor: wait });
  }
}

/** What it has to wait for; null when nothing keeps it from beginning. Throws precondition-failed or not-permitted. */
function resolveBlockers(context: Context, { override, queue }: Input, blockers: readonly Blocker[]): Blocker | null {
  if (override && blockers.some(({ canOverride }) => canOverride)) authorise(context, "admin", "override what blocks a rollout");
  const left = blockers.filter(({ canOverride }) => !(override && canOverride));
  const stuck = left.filter(({ canQueue }) => !(queue && canQueue));
  if (stuck.length === 0) return left[0] ?? null;
  const messages = stuck.map(({ message }) => message.replace(/\.?$/, ".")).join(" ");
  throw new DomainError("precondition-failed", `Nothing was started. ${messages} ${describeRemedy(stuck, queue)}`.trim());
}

function describeRemedy(stuck: readonly Blocker[], queue: boolean): string {
  if (!queue && stuck.every(({ canQueue }) => canQueue)) return "It can wait in the queue for that.";
  return stuck.every(({ canOverride }) => canOverride) ? "An administrator can override this, with a reason." : "";
}

type Row = { request: Request; input: Input; prepared: Prepared; rolloutId: string; waitsFor: Blocker | null };

function write(context: Context, { request, input, prepared, rolloutId, waitsFor }: Row): Promise<ActionResult> {
  const { workload, strategy, target, preflight } = prepared;
  const { ref } = request;
  const { actor, clock } = context;
  const now = clock();
  const { before, uid } = auditedTarget(workload);
  const message = waitsFor
    ? `The rollout of ${ref.name} waits. ${waitsFor.message}`
    : `${ref.name} is being rolled out with ${preflight.version.to}, ${describeStrategy(strategy.kind)}.`;
  const overridden = input.override ? preflight.blockers.filter(({ canOverride }) => canOverride) : [];
  const record: PreflightRecord = {
    at: preflight.at,
    dryRun: preflight.dryRun,
    checklist: preflight.checklist,
    blockers: preflight.blockers,
    ticks: input.ticks.map((id) => ({ id, by: actor.name, at: now.toISOString() })),
    override:
      input.override && overridden.length > 0 ? { reason: input.override.reason, by: actor.name, at: now.toISOString() } : null,
  };
  const intended = { version: preflight.version.to };
  const copies = target.copies.map(({ kind, name }) => `${kind} ${name}`);
  const after = {
    intended,
    message,
    generation: null,
    strategy,
    copies,
    overridden: overridden.map(({ id }) => id),
    override: record.override?.reason ?? null,
    ticks: input.ticks,
  };
  return transact(context, async (transaction) => {
    const entry = await writeAudit(transaction, context, {
      ...describeRequest(request, { uid, before }),
      after: toJson(after),
      outcome: "succeeded",
    });
    await transaction.rollout.create({
      data: {
        id: rolloutId,
        auditEntryId: entry.id,
        namespace: ref.namespace,
        service: ref.name,
        workloadUid: uid,
        change: target.image && !target.isWholeTemplate ? "image" : "template",
        fromRevision: before.revision,
        fromVersion: preflight.version.from,
        toVersion: preflight.version.to,
        fromReplicas: before.replicas,
        toReplicas: before.replicas,
        targetGeneration: before.generation,
        state: waitsFor ? "queued" : "progressing",
        message: waitsFor ? waitsFor.message : "It begins.",
        startedAt: now,
        strategy: toJson(strategy),
        target: toJson(target),
        preflight: toJson(record),
        ...(waitsFor ? {} : { activeKey: activeKeyOf(ref), run: toJson(startRun(strategy, workload.workload, now)) }),
        events: {
          create: { at: now, kind: waitsFor ? "queued" : "started", message: describeStart(message, record), by: actor.name },
        },
      },
    });
    return { auditId: entry.id, rolloutId, outcome: "succeeded", message };
  });
}

/** The event says also what a person answered for and what was overridden. */
function describeStart(message: string, { blockers, checklist, ticks, override }: PreflightRecord): string {
  const titles = ticks.map(({ id, by }) => `${checklist.find((item) => item.id === id)?.title ?? id} (${by})`);
  const answered = titles.length > 0 ? ` Answered for by hand: ${titles.join(", ")}.` : "";
  if (!override) return message + answered;
  const overridden = blockers.filter(({ canOverride }) => canOverride).map((blocker) => blocker.message);
  return `${message}${answered} Overridden by ${override.by} (${override.reason}): ${overridden.join(" ")}`;
}

function describeStrategy(kind: Prepared["strategy"]["kind"]): string {
  return kind === "canary" ? "a canary first" : kind === "blue-green" ? "blue-green" : "one instance after the other";
}

function auditedTarget({ workload, revisions }: Target) {
  return { uid: workload.metadata.uid, before: takeSnapshot(workload, revisions) };
}
