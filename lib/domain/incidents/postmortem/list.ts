import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { decodeCursor, toPage } from "../../pagination.ts";
import type { Page } from "../../rollouts/schemas.ts";
import { parseInput } from "../../validation.ts";
import { requiresPostmortem, type Severity } from "../schemas.ts";
import { type ListedPostmortem, type ListedState, listPostmortemsSchema, type PostmortemState } from "./schemas.ts";
import { whereRequired } from "./stored.ts";

const parts = {
  services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
  actionItems: { select: { state: true } },
  postmortem: {
    omit: { text: true, impact: true, charts: true, facts: true, saves: true },
    include: { _count: { select: { comments: { where: { settledAt: null } } } } },
  },
} as const satisfies Prisma.IncidentInclude;
type Row = Prisma.IncidentGetPayload<{ include: typeof parts }>;

/** Postmortems, and the incidents that lack a required one: the latest impact first, a page at a time. */
export async function listPostmortems(context: Context, input: unknown): Promise<Page<ListedPostmortem>> {
  authorise(context, "viewer", "see postmortems");
  const { state, owner, cursor, limit } = parseInput(listPostmortemsSchema, input);
  const all: Prisma.IncidentWhereInput[] = [whereState(state)];
  if (owner) all.push({ postmortem: { ownerName: owner } });
  if (cursor) {
    const { at, id } = decodeCursor(cursor);
    all.push({ impactStartedAt: { lte: at } }, { OR: [{ impactStartedAt: { lt: at } }, { id: { lt: id } }] });
  }
  const rows = await translateDatabaseErrors(() =>
    context.db.incident.findMany({
      where: { AND: all },
      orderBy: [{ impactStartedAt: "desc" }, { id: "desc" }],
      take: limit + 1,
      include: parts,
    }),
  );
  return toPage(rows, limit, ({ impactStartedAt, id }) => ({ at: impactStartedAt, id }), view);
}

type Wanted = ListedState | "unpublished" | "all";

/** One is missing once the incident is over: before that there is nothing to write about. */
function whereState(state: Wanted): Prisma.IncidentWhereInput {
  const missing = { ...whereRequired, resolvedAt: { not: null }, postmortem: null };
  switch (state) {
    case "missing":
      return missing;
    case "unpublished":
      return { OR: [missing, { postmortem: { state: { not: "published" } } }] };
    case "all":
      return { OR: [missing, { postmortem: { isNot: null } }] };
    default:
      return { postmortem: { state } };
  }
}

function view({ postmortem, ...row }: Row): ListedPostmortem {
  const { id, number, title, isDrill, services, actionItems } = row;
  return {
    incident: {
      id,
      number,
      title,
      severity: row.severity as Severity,
      isDrill,
      services: services.map(({ namespace, service }) => `${namespace}/${service}`),
    },
    impactStartedAt: row.impactStartedAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    state: (postmortem?.state as PostmortemState | undefined) ?? "missing",
    isRequired: requiresPostmortem(row),
    owner: postmortem?.ownerName ?? null,
    reviewer: postmortem?.reviewerName ?? null,
    isApproved: postmortem?.approvedVersion === postmortem?.version && postmortem?.approvedVersion != null,
    updatedAt: postmortem?.updatedAt.toISOString() ?? null,
    updatedBy: postmortem?.updatedByName ?? null,
    publishedAt: postmortem?.publishedAt?.toISOString() ?? null,
    openComments: postmortem?._count.comments ?? 0,
    items: { open: actionItems.filter(({ state }) => state === "open").length, all: actionItems.length },
  };
}
