import type { Database, Prisma } from "#lib/database/client.ts";
import type { FreezeWindow } from "#lib/database/generated/client.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import { parseId, parseInput } from "../../validation.ts";
import type { Page } from "../schemas.ts";
import {
  cancelFreezeSchema,
  createFreezeSchema,
  type FreezeState,
  type FreezeWindowView,
  listFreezesSchema,
} from "./freeze-schemas.ts";

/** The windows, the latest first, a page at a time. With a service, those that concern it. */
export async function listFreezeWindows(context: Context, input: unknown): Promise<Page<FreezeWindowView>> {
  authorise(context, "viewer", "see freeze windows");
  const { state, namespace, service, cursor, limit } = parseInput(listFreezesSchema, input);
  const now = context.clock();
  const conditions: Prisma.FreezeWindowWhereInput[] = [];
  if (state) conditions.push(inState(state, now));
  if (namespace) conditions.push(concerns({ namespace, name: service ?? null }));
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    conditions.push({ OR: [{ startsAt: { lt: at } }, { startsAt: at, id: { lt: id } }] });
  }
  const rows = await translateDatabaseErrors(() =>
    context.db.freezeWindow.findMany({
      where: { AND: conditions },
      orderBy: [{ startsAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  );
  return toPage(
    rows,
    limit,
    ({ startsAt, id }) => ({ at: startsAt, id }),
    (row) => viewFreeze(row, now),
  );
}

/** Forbids rollouts for a time: of one service, of a namespace or of all. Administrators. */
export async function createFreezeWindow(context: Context, input: unknown): Promise<FreezeWindowView> {
  authorise(context, "admin", "freeze rollouts");
  const window = parseInput(createFreezeSchema, input);
  const now = context.clock();
  if (window.endsAt <= now)
    throw new DomainError("invalid-input", "endsAt: It is over already.", { fields: { endsAt: ["It is over already."] } });
  return transact(context, async (transaction) => {
    const row = await transaction.freezeWindow.create({
      data: { ...window, createdAt: now, createdByName: context.actor.name },
    });
    await writeAudit(transaction, context, { ...auditedAs(row), verb: "create", reason: window.reason, outcome: "succeeded" });
    return viewFreeze(row, now);
  });
}

/** Ends a freeze before its time, or calls off one to come. Administrators. */
export async function cancelFreezeWindow(context: Context, id: string, input: unknown): Promise<FreezeWindowView> {
  authorise(context, "admin", "cancel a freeze");
  const { reason } = parseInput(cancelFreezeSchema, input);
  const now = context.clock();
  return transact(context, async (transaction) => {
    const where = { id: parseId(id, "freeze window") };
    const { count } = await transaction.freezeWindow.updateMany({
      where: { ...where, cancelledAt: null, endsAt: { gt: now } },
      data: { cancelledAt: now, cancelledByName: context.actor.name },
    });
    const row = await transaction.freezeWindow.findUnique({ where });
    if (!row) throw new DomainError("not-found", "There is no freeze window with this id.");
    if (count === 0) throw new DomainError("precondition-failed", "This freeze is over already.");
    await writeAudit(transaction, context, { ...auditedAs(row), verb: "cancel", reason, outcome: "succeeded" });
    return viewFreeze(row, now);
  });
}

/** The freeze that keeps a rollout of the service from beginning now, the one that ends last; null when there is none. */
export async function findFreeze(db: Pick<Database, "freezeWindow">, ref: ServiceRef, now: Date): Promise<FreezeWindow | null> {
  return (await listFreezes(db, ref, now))[0] ?? null;
}

/** Every freeze that keeps a rollout of the service from beginning now, the one that ends last first. */
export function listFreezes(db: Pick<Database, "freezeWindow">, ref: ServiceRef, now: Date): Promise<FreezeWindow[]> {
  return db.freezeWindow.findMany({ where: { AND: [inState("active", now), concerns(ref)] }, orderBy: { endsAt: "desc" } });
}

/** Refuses (precondition-failed) what brings a new version past preflight; a rollback or a restart is help and goes on. */
export async function refuseInFreeze(db: Pick<Database, "freezeWindow">, ref: ServiceRef, now: Date): Promise<void> {
  const freeze = await findFreeze(db, ref, now);
  if (!freeze) return;
  const message = `${describeFreeze(freeze)} Roll it out with a strategy: an administrator can override the freeze there.`;
  throw new DomainError("precondition-failed", message);
}

/** The next freeze that begins within so many seconds; null when there is none. */
export function findNextFreeze(
  db: Pick<Database, "freezeWindow">,
  ref: ServiceRef,
  now: Date,
  withinSeconds: number,
): Promise<FreezeWindow | null> {
  const until = new Date(now.getTime() + withinSeconds * 1000);
  return db.freezeWindow.findFirst({
    where: { AND: [inState("upcoming", now), { startsAt: { lte: until } }, concerns(ref)] },
    orderBy: { startsAt: "asc" },
  });
}

/** What is frozen, and until when, in a sentence. */
export function describeFreeze({ namespace, service, endsAt, reason }: FreezeWindow): string {
  const what = service ? `Rollouts of ${service}` : namespace ? `All rollouts in ${namespace}` : "All rollouts";
  return `${what} are frozen until ${endsAt.toISOString().slice(0, 16).replace("T", " ")} UTC: ${reason.replace(/\.?$/, ".")}`;
}

function inState(state: FreezeState, now: Date): Prisma.FreezeWindowWhereInput {
  switch (state) {
    case "cancelled":
      return { cancelledAt: { not: null } };
    case "ended":
      return { cancelledAt: null, endsAt: { lte: now } };
    case "upcoming":
      return { cancelledAt: null, startsAt: { gt: now } };
    case "active":
      return { cancelledAt: null, startsAt: { lte: now }, endsAt: { gt: now } };
  }
}

/** Windows of the service, of its whole namespace, and of everything; without a name, of anything in the namespace. */
function concerns({ namespace, name }: { namespace: string; name: string | null }): Prisma.FreezeWindowWhereInput {
  return { OR: [{ namespace: null }, { namespace, ...(name === null ? {} : { OR: [{ service: null }, { service: name }] }) }] };
}

function auditedAs({ id, namespace, service, startsAt, endsAt }: FreezeWindow) {
  return {
    targetKind: "freeze-window",
    targetNamespace: namespace,
    targetName: service ?? namespace ?? "all services",
    after: { id, startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() },
  };
}

function viewFreeze(row: FreezeWindow, now: Date): FreezeWindowView {
  const { id, namespace, service, reason, startsAt, endsAt, createdAt, createdByName, cancelledAt, cancelledByName } = row;
  return {
    id,
    namespace,
    service,
    reason,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    state: stateOf(row, now),
    createdAt: createdAt.toISOString(),
    createdBy: createdByName,
    cancelledAt: cancelledAt?.toISOString() ?? null,
    cancelledBy: cancelledByName,
  };
}

function stateOf({ startsAt, endsAt, cancelledAt }: FreezeWindow, now: Date): FreezeState {
  if (cancelledAt) return "cancelled";
  if (endsAt <= now) return "ended";
  return startsAt <= now ? "active" : "upcoming";
}
