import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseId, parseInput } from "../../validation.ts";
import type { DrillDetail, DrillReport, DrillScheduleView, DrillView } from "./schemas.ts";
import { listDrillsSchema } from "./schemas.ts";
import { viewDrill, viewSchedule, withLastDrill } from "./stored.ts";

const mostEarlier = 20;
/** Each holds a point for every second: only the page of a drill shows it, and every page asks for the newest drills. */
const withoutReport = { report: true } as const;

/** The drills, the newest first, a page at a time. */
export async function listDrills(context: Context, input: unknown): Promise<Page<DrillView>> {
  authorise(context, "viewer", "see drills");
  const { subject, scenario, verdict, cursor, limit } = parseInput(listDrillsSchema, input);
  const all: Prisma.DrillWhereInput[] = [];
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    all.push({ createdAt: { lte: at } }, { OR: [{ createdAt: { lt: at } }, { id: { lt: id } }] });
  }
  const rows = await translateDatabaseErrors(() =>
    context.db.drill.findMany({
      where: { subject, scenario, verdict, AND: all },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
      omit: withoutReport,
    }),
  );
  return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), viewDrill);
}

/** One drill with what happened in it and what was measured; throws not-found. */
export async function getDrill(context: Context, id: string): Promise<DrillDetail> {
  authorise(context, "viewer", "see drills");
  return translateDatabaseErrors(async () => {
    const row = await context.db.drill.findUnique({
      where: { id: parseId(id, "drill") },
      include: { events: { orderBy: [{ at: "asc" }, { id: "asc" }] } },
    });
    if (!row) throw new DomainError("not-found", "There is no drill with this id.");
    const { scenario, subject, createdAt, events, report } = row;
    const earlier = await context.db.drill.findMany({
      where: { scenario, subject, createdAt: { lt: createdAt }, state: { in: ["completed", "aborted", "failed"] } },
      orderBy: { createdAt: "desc" },
      take: mostEarlier,
      omit: withoutReport,
    });
    return {
      drill: viewDrill(row),
      events: events.map(({ id, at, kind, message }) => ({ id, at: at.toISOString(), kind, message })),
      report: report as DrillReport | null,
      earlier: earlier
        .map(viewDrill)
        .map(({ id, number, startedAt, rtoMs, rpoMs, verdict }) => ({ id, number, startedAt, rtoMs, rpoMs, verdict })),
    };
  });
}

/** When which drill is carried out by itself. */
export async function listDrillSchedules(context: Context): Promise<DrillScheduleView[]> {
  authorise(context, "viewer", "see drills");
  const rows = await translateDatabaseErrors(() =>
    context.db.drillSchedule.findMany({ orderBy: [{ subject: "asc" }, { scenario: "asc" }], include: withLastDrill }),
  );
  return rows.map(viewSchedule);
}
