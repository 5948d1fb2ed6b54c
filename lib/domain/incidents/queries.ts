import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { decodeCursor, toPage } from "../pagination.ts";
import type { Page } from "../rollouts/schemas.ts";
import { parseInput } from "../validation.ts";
import { type IncidentView, listIncidentsSchema } from "./schemas.ts";
import { incidentParts, viewIncident } from "./stored.ts";

type Filter = ReturnType<typeof listIncidentsSchema.parse>;

/** The incidents, the latest impact first, a page at a time. */
export async function listIncidents(context: Context, input: unknown): Promise<Page<IncidentView>> {
  authorise(context, "viewer", "see incidents");
  const filter = parseInput(listIncidentsSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.incident.findMany({
      where: whereOf(filter),
      orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
      take: filter.limit + 1,
      include: incidentParts,
    }),
  );
  return toPage(rows, filter.limit, ({ impactStartedAt, id }) => ({ at: impactStartedAt, id }), viewIncident);
}

function whereOf({ state, severity, namespace, service, drills, search, cursor }: Filter): Prisma.IncidentWhereInput {
  const all: Prisma.IncidentWhereInput[] = [];
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    all.push({ impactStartedAt: { lte: at } }, { OR: [{ impactStartedAt: { lt: at } }, { id: { lt: id } }] });
  }
  if (search) all.push({ OR: [{ title: { contains: search, mode: "insensitive" } }, ...numbered(search)] });
  if (namespace || service) all.push({ services: { some: { namespace, service } } });
  return {
    severity,
    ...(state && { resolvedAt: state === "open" ? null : { not: null } }),
    ...(drills !== "with" && { isDrill: drills === "only" }),
    AND: all,
  };
}

/** INC-12, inc 12 or 12 is also its number. */
function numbered(search: string): Prisma.IncidentWhereInput[] {
  const number = Number(/^(?:inc[-\s]?)?(\d{1,9})$/i.exec(search)?.[1] ?? Number.NaN);
  return Number.isNaN(number) ? [] : [{ number }];
}
