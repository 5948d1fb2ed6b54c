import type { Prisma } from "#lib/database/generated/client.ts";
import { authorise, type Context, type Transaction, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import { requiresPostmortem } from "../schemas.ts";
import { allowedPostmortemCommands, gapsOf } from "./gaps.ts";
import {
  type CommentView,
  getPostmortemSchema,
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
/** What is long and no part of the text. */
const apart = { impact: true, charts: true, facts: true } as const;
export type StoredPostmortem = Prisma.PostmortemGetPayload<{ include: typeof whole; omit: typeof apart }>;

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
    const row = await context.db.postmortem.findUnique({ where: { incidentId }, include: whole, omit: apart });
    const incident =
      row?.incident ?? (await context.db.incident.findUnique({ where: { id: incidentId }, select: whole.incident.select }));
    if (!incident) throw new DomainError("not-found", "There is no incident with this id.");
    const { number, title, severity, isDrill, resolvedAt } = incident;
    return {
      incident: { id: incidentId, number, title, severity, isDrill, resolvedAt: resolvedAt?.toISOString() ?? null },
      isRequired: requiresPostmortem(incident),
      postmortem: row && viewPostmortem(row),
    };
  });
}

/** P1 and P2 need one; a drill has a report of its own. */
export const whereRequired = { severity: { in: ["P1", "P2"] }, isDrill: false } satisfies Prisma.IncidentWhereInput;

/** Reads a postmortem for a change: nobody else changes it until the transaction ends. Throws not-found. */
export async function lockPostmortem(transaction: Transaction, incidentId: string): Promise<StoredPostmortem> {
  await transaction.$executeRaw`SELECT 1 FROM postmortems WHERE incident_id = ${incidentId}::uuid FOR UPDATE`;
  const row = await transaction.postmortem.findUnique({ where: { incidentId }, include: whole, omit: apart });
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
  const { text, version, incident, comments } = row;
  return gapsOf({
    text,
    version,
    approval: approvalOf(row),
    isResolved: incident.resolvedAt !== null,
    isRequired: requiresPostmortem(incident),
    items: incident._count.actionItems,
    openComments: comments.filter(({ settledAt }) => settledAt === null).length,
  });
}

/** Who has approved it; a published text is the one that was approved. */
function approvalOf({
  state,
  version,
  approvedAt,
  approvedByName,
  approvedVersion,
}: StoredPostmortem): PostmortemView["approval"] {
  if (!approvedAt || approvedByName === null || approvedVersion === null) return null;
  return { at: approvedAt.toISOString(), by: approvedByName, version: state === "published" ? version : approvedVersion };
}

export function viewPostmortem(row: StoredPostmortem): PostmortemView {
  const state = row.state as PostmortemState;
  const gaps = gapsOfRow(row);
  const approval = approvalOf(row);
  return {
    incidentId: row.incidentId,
    state,
    owner: row.ownerName,
    text: row.text,
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdByName,
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedByName,
    reviewAt: row.reviewAt?.toISOString() ?? null,
    reviewBy: row.reviewByName,
    reviewer: row.reviewerName,
    approval,
    overrideReason: row.overrideReason,
    publishedAt: row.publishedAt?.toISOString() ?? null,
    publishedBy: row.publishedByName,
    comments: row.comments.map(viewComment),
    gaps,
    commands: allowedPostmortemCommands(state, gaps, approval?.version === row.version),
  };
}

export function viewComment(row: StoredPostmortem["comments"][number]): CommentView {
  const { id, at, byKind, byId, byName, text, quote, settledAt, settledByName } = row;
  return {
    id,
    at: at.toISOString(),
    by: byName,
    userId: byKind === "user" ? byId : null,
    text,
    quote,
    settledAt: settledAt?.toISOString() ?? null,
    settledBy: settledByName,
  };
}
