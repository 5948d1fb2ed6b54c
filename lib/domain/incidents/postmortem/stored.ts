import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import { allowedPostmortemCommands, gapsOf } from "./gaps.ts";
import {
  type CommentView,
  getPostmortemSchema,
  type Impact,
  type PostmortemAnswer,
  type PostmortemNews,
  type PostmortemState,
  type PostmortemView,
} from "./schemas.ts";

const whole = {
  comments: { orderBy: [{ at: "asc" }, { id: "asc" }] },
  incident: {
    select: {
      id: true,
      number: true,
      title: true,
      severity: true,
      isDrill: true,
      resolvedAt: true,
      _count: { select: { actionItems: true } },
    },
  },
} as const satisfies Prisma.PostmortemInclude;
export type StoredPostmortem = Prisma.PostmortemGetPayload<{ include: typeof whole }>;

/** As getPostmortem, without the text while it is the one of the version that `after` names. */
export async function getPostmortemNews(context: Context, id: string, input: unknown): Promise<PostmortemNews> {
  const { after } = parseInput(getPostmortemSchema, input);
  const answer = await getPostmortem(context, id);
  const { postmortem } = answer;
  return postmortem && postmortem.version === after ? { ...answer, postmortem: { ...postmortem, text: null } } : answer;
}

/** The postmortem of an incident, and whether it needs one. */
export async function getPostmortem(context: Context, id: string): Promise<PostmortemAnswer> {
  authorise(context, "viewer", "see postmortems");
  const incidentId = parseId(id, "incident");
  return translateDatabaseErrors(async () => {
    const row = await context.db.postmortem.findUnique({ where: { incidentId }, include: whole });
    const incident =
      row?.incident ?? (await context.db.incident.findUnique({ where: { id: incidentId }, select: whole.incident.select }));
    if (!incident) throw new DomainError("not-found", "There is no incident with this id.");
    const { number, title, severity, isDrill, resolvedAt } = incident;
    return {
      incident: { id: incidentId, number, title, severity, isDrill, resolvedAt: resolvedAt?.toISOString() ?? null },
      isRequired: isRequired(incident),
      postmortem: row && viewPostmortem(row),
    };
  });
}

/** P1 and P2 need one; a drill has a report of its own. */
export function isRequired({ severity, isDrill }: { severity: string; isDrill: boolean }): boolean {
  return (severity === "P1" || severity === "P2") && !isDrill;
}

/** Reads a postmortem for a change: nobody else changes it until the transaction ends. Throws not-found. */
export async function lockPostmortem(transaction: Transaction, incidentId: string): Promise<StoredPostmortem> {
  await transaction.$executeRaw`SELECT 1 FROM postmortems WHERE incident_id = ${incidentId}::uuid FOR UPDATE`;
  const row = await transaction.postmortem.findUnique({ where: { incidentId }, include: whole });
  if (!row) throw noSuchPostmortem();
  return row;
}

export function noSuchPostmortem(): DomainError {
  return new DomainError("not-found", "This incident has no postmortem yet: draft it first.");
}

/** A published text is what others rely on: it stays until it is reopened. */
export function refusePublished({ state }: Pick<StoredPostmortem, "state">): void {
  if (state !== "published") return;
  throw new DomainError("precondition-failed", "This postmortem is published: reopen it, with a reason, to change it.");
}

export function gapsOfRow(row: StoredPostmortem) {
  const { text, incident, comments } = row;
  return gapsOf({
    text,
    isResolved: incident.resolvedAt !== null,
    isRequired: isRequired(incident),
    items: incident._count.actionItems,
    openComments: comments.filter(({ settledAt }) => settledAt === null).length,
  });
}

export function viewPostmortem(row: StoredPostmortem): PostmortemView {
  const state = row.state as PostmortemState;
  const gaps = gapsOfRow(row);
  return {
    incidentId: row.incidentId,
    state,
    owner: row.ownerName,
    text: row.text,
    version: row.version,
    impact: row.impact as unknown as Impact | null,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdByName,
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedByName,
    reviewAt: row.reviewAt?.toISOString() ?? null,
    reviewBy: row.reviewByName,
    publishedAt: row.publishedAt?.toISOString() ?? null,
    publishedBy: row.publishedByName,
    comments: row.comments.map(viewComment),
    gaps,
    commands: allowedPostmortemCommands(state, gaps),
  };
}

export function viewComment(row: StoredPostmortem["comments"][number]): CommentView {
  const { id, at, byName, text, quote, settledAt, settledByName } = row;
  return {
    id,
    at: at.toISOString(),
    by: byName,
    text,
    quote,
    settledAt: settledAt?.toISOString() ?? null,
    settledBy: settledByName,
  };
}
