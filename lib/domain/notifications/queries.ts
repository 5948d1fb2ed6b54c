import type { NotificationTarget, Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { decodeCursor, toPage } from "../pagination.ts";
import type { Page } from "../rollouts/schemas.ts";
import { roleIncludes } from "../users/schemas.ts";
import { parseId, parseInput } from "../validation.ts";
import { type EventKind, payloadSchema, readFilter } from "./events.ts";
import {
  type AttemptOutcome,
  type DeliveryDetail,
  type DeliveryState,
  type DeliveryView,
  listDeliveriesSchema,
  type TargetKind,
  type TargetView,
} from "./schemas.ts";
import { describeSettings } from "./settings.ts";

const dayMs = 86_400_000;
const maxShownEvents = 500;
const withTarget = { target: { select: { name: true, kind: true } } } as const;
type DeliveryRow = Prisma.NotificationDeliveryGetPayload<{ include: typeof withTarget }>;

/** All targets by name, each with what waits and how its last message went. Secrets are not among it. */
export async function listTargets(context: Context): Promise<TargetView[]> {
  authorise(context, "viewer", "see notification targets");
  return translateDatabaseErrors(async () => {
    const targets = await context.db.notificationTarget.findMany({ orderBy: { name: "asc" } });
    return viewTargets(context, targets);
  });
}

/** One target; throws not-found. */
export async function getTarget(context: Context, id: string): Promise<TargetView> {
  authorise(context, "viewer", "see notification targets");
  const targets = await translateDatabaseErrors(() =>
    context.db.notificationTarget.findMany({ where: { id: parseId(id, "notification target") } }),
  );
  const [view] = await viewTargets(context, targets);
  if (!view) throw new DomainError("not-found", "There is no notification target with this id.");
  return view;
}

type Figures = {
  id: string;
  waiting: number;
  failed: number;
  lastId: string | null;
  lastState: DeliveryState | null;
  lastOutcome: string | null;
  lastAt: Date | null;
  lastAnswer: string | null;
};

async function viewTargets({ db, clock }: Context, targets: readonly NotificationTarget[]): Promise<TargetView[]> {
  const since = new Date(clock().getTime() - dayMs);
  const rows = await translateDatabaseErrors(
    () => db.$queryRaw<Figures[]>`
      SELECT t.id,
        ((SELECT count(*) FROM notifications n WHERE n.delivery_id IS NULL AND n.target_id = t.id)
          + (SELECT coalesce(sum(event_count), 0) FROM notification_deliveries d
             WHERE d.target_id = t.id AND d.state = 'pending' AND NOT d.is_test))::int AS waiting,
        (SELECT count(*) FROM notification_deliveries d
         WHERE d.target_id = t.id AND d.state = 'failed' AND NOT d.is_test AND d.settled_at >= ${since})::int AS failed,
        last.id AS "lastId", last.state AS "lastState", last.last_outcome AS "lastOutcome", last.at AS "lastAt",
        last.answer AS "lastAnswer"
      FROM notification_targets t
      LEFT JOIN LATERAL (
        SELECT d.id, d.state, a.outcome AS last_outcome, a.at, coalesce(a.answer, a.error) AS answer
        FROM notification_deliveries d JOIN notification_attempts a ON a.delivery_id = d.id
        WHERE d.target_id = t.id AND d.created_at >= ${new Date(since.getTime() - 6 * dayMs)}
        ORDER BY a.at DESC LIMIT 1) last ON true
      WHERE t.id = ANY(${targets.map(({ id }) => id)}::uuid[])`,
  );
  const figures = new Map(rows.map((row) => [row.id, row]));
  return targets.map((target) => viewTarget(target, figures.get(target.id)));
}

function viewTarget(target: NotificationTarget, figures: Figures | undefined): TargetView {
  return {
    id: target.id,
    name: target.name,
    settings: describeSettings(target),
    filter: readFilter(target.filter),
    disabled: target.disabledAt !== null,
    createdAt: target.createdAt.toISOString(),
    updatedAt: target.updatedAt.toISOString(),
    updatedBy: target.updatedByName,
    heldUntil: target.heldUntil?.toISOString() ?? null,
    waiting: figures?.waiting ?? 0,
    failed: figures?.failed ?? 0,
    last:
      figures?.lastId && figures.lastAt && figures.lastState
        ? {
            deliveryId: figures.lastId,
            state: figures.lastState,
            outcome: figures.lastOutcome as AttemptOutcome | null,
            at: figures.lastAt.toISOString(),
            answer: figures.lastAnswer,
          }
        : null,
  };
}

/** The log of messages, newest first, a page at a time. */
export async function listDeliveries(context: Context, input: unknown): Promise<Page<DeliveryView>> {
  authorise(context, "viewer", "see the log of notifications");
  const { target, state, event, cursor, limit } = parseInput(listDeliveriesSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.notificationDelivery.findMany({
      where: {
        targetId: target,
        state,
        notifications: event && { some: { event } },
        AND: cursor ? olderThan(cursor) : [],
      },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
      include: withTarget,
    }),
  );
  const now = context.clock();
  return toPage(
    rows,
    limit,
    ({ createdAt, id }) => ({ at: createdAt, id }),
    (row) => viewDelivery(row, now),
  );
}

/** One message with its attempts and events; throws not-found. What receivers answered is shown to administrators only. */
export async function getDelivery(context: Context, id: string): Promise<DeliveryDetail> {
  authorise(context, "viewer", "see the log of notifications");
  const row = await translateDatabaseErrors(() =>
    context.db.notificationDelivery.findUnique({
      where: { id: parseId(id, "message") },
      include: {
        ...withTarget,
        attempts: { orderBy: [{ at: "desc" }, { id: "desc" }], take: 100 },
        notifications: { orderBy: [{ rank: "asc" }, { createdAt: "asc" }, { id: "asc" }], take: maxShownEvents },
      },
    }),
  );
  if (!row) throw new DomainError("not-found", "There is no message with this id.");
  const maySeeBodies = roleIncludes(context.actor.role, "admin");
  return {
    ...viewDelivery(row, context.clock()),
    log: row.attempts.map((attempt) => ({
      at: attempt.at.toISOString(),
      durationMs: attempt.durationMs,
      outcome: attempt.outcome as AttemptOutcome,
      answer: attempt.answer,
      excerpt: maySeeBodies ? attempt.excerpt : null,
      error: attempt.error,
    })),
    events: row.notifications.map(({ eventKey, event, severity, title, payload }) => {
      const { text, path, at } = payloadSchema.parse(payload);
      return { key: eventKey, event: event as EventKind, severity, title, text, path, at };
    }),
  };
}

function olderThan(cursor: string): Prisma.NotificationDeliveryWhereInput[] {
  const { at, id } = decodeCursor(cursor);
  return [{ createdAt: { lte: at } }, { OR: [{ createdAt: { lt: at } }, { id: { lt: id } }] }];
}

function viewDelivery(row: DeliveryRow, now: Date): DeliveryView {
  return {
    id: row.id,
    targetId: row.targetId,
    target: row.target.name,
    targetKind: row.target.kind as TargetKind,
    isTest: row.isTest,
    title: row.title,
    eventCount: row.eventCount,
    state: row.state,
    outcome: row.lastOutcome as AttemptOutcome | null,
    attempts: row.attemptCount,
    createdAt: row.createdAt.toISOString(),
    nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null,
    giveUpAt: row.giveUpAt.toISOString(),
    settledAt: row.settledAt?.toISOString() ?? null,
    isUnderWay: row.claimedUntil !== null && row.claimedUntil > now,
  };
}
