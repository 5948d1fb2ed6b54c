import { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { decodeCursor, toPage } from "../pagination.ts";
import { parseId, parseInput } from "../validation.ts";
import { listRolloutsSchema, type Page, type RolloutView } from "./schemas.ts";
import type { PreflightRecord } from "./start/start-schemas.ts";
import type { Strategy } from "./strategy.ts";

/** A list needs nothing of what only the strategy's own page shows: templates are long. */
const listed = {
  include: { auditEntry: { select: { actorName: true, reason: true } } },
  omit: { target: true, preflight: true, run: true, runVersion: true, activeKey: true },
} as const;
type RolloutRow = Prisma.RolloutGetPayload<typeof listed>;

/** The rollouts, newest first, a page at a time. */
export async function listRollouts(context: Context, input: unknown): Promise<Page<RolloutView>> {
  authorise(context, "viewer", "see rollouts");
  const { namespace, service, state, strategy, cursor, limit } = parseInput(listRolloutsSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.rollout.findMany({
      where: {
        namespace,
        service,
        state,
        strategy: strategy && (strategy === "none" ? { equals: Prisma.DbNull } : { path: ["kind"], equals: strategy }),
        AND: cursor ? after(cursor) : [],
      },
      orderBy: [{ startedAt: "desc" }, { id: "desc" }],
      take: limit + 1,
      ...listed,
    }),
  );
  return toPage(rows, limit, ({ startedAt, id }) => ({ at: startedAt, id }), viewRollout);
}

function after(cursor: string): Prisma.RolloutWhereInput[] {
  const { at, id } = decodeCursor(cursor);
  return [{ startedAt: { lte: at } }, { OR: [{ startedAt: { lt: at } }, { id: { lt: id } }] }];
}

/** What was found before the rollout began, and who answered for what; null for a change that was written at once. */
export async function getRolloutPreflight(context: Context, id: string): Promise<PreflightRecord | null> {
  authorise(context, "viewer", "see rollouts");
  const where = { id: parseId(id, "rollout") };
  const row = await translateDatabaseErrors(() => context.db.rollout.findUnique({ where, select: { preflight: true } }));
  if (!row) throw new DomainError("not-found", "There is no rollout with this id.");
  return row.preflight as unknown as PreflightRecord | null;
}

/** A row as lists and pages show it. */
export function viewRollout({
  auditEntry,
  auditEntryId,
  workloadUid,
  targetGeneration,
  startedAt,
  finishedAt,
  change,
  strategy,
  ...row
}: RolloutRow): RolloutView {
  return {
    ...row,
    change: change as RolloutView["change"],
    strategy: (strategy as Strategy | null)?.kind ?? null,
    actor: auditEntry.actorName,
    reason: auditEntry.reason,
    auditId: auditEntryId,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}
