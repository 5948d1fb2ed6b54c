import { Prisma } from "#lib/database/generated/client.ts";
import { storableText, toJson } from "#lib/database/storable.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type ConsoleContext, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Keyed } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { incidentName } from "../incident-name.ts";
import type { IncidentChange } from "../schemas.ts";
import { noSuchIncident, type StoredIncident } from "../stored.ts";
import type { NewTimelineRow } from "../timeline/timeline.ts";
import { type PlannedChange, writeIncident } from "../write.ts";
import { draftPostmortem } from "./draft.ts";
import { collectFacts, type Measured, measuredOf, readIncident } from "./facts.ts";
import { whyNotApprover } from "./gaps.ts";
import { measureAnew, measureIncident } from "./measure.ts";
import { asDraft } from "./reopen.ts";
import {
  changePostmortemSchema,
  draftSchema,
  type Impact,
  type PostmortemCommand,
  postmortemCommandSchema,
  postmortemCommands,
  type VersionMark,
} from "./schemas.ts";
import { gapsOfRow, lockPostmortem, noSuchPostmortem, refusePublished, type StoredPostmortem, viewPostmortem } from "./stored.ts";

type Request = { id: string; body: unknown; key?: unknown };
/** A context whose Prometheus is asked at the pace of its scrapes. */
export type MeasuringContext = ConsoleContext & { scrapeSeconds?: number };

/** Drafts an incident's postmortem from all that is known of it. Operators. One that there is stays as it is. */
export async function startPostmortem(context: MeasuringContext, { id, body, key }: Request): Promise<IncidentChange> {
  authorise(context, "operator", "draft a postmortem");
  const { owner = context.actor.name } = parseInput(draftSchema, body);
  const measured = await measureIncident(context, await findIncident(context, id), null);
  return writeIncident(context, { id, verb: "draft-postmortem", input: body ?? {}, key }, async (transaction, incident, now) => {
    if (incident.postmortem) return "It has a postmortem already.";
    const text = storableText(draftPostmortem(await collectFacts(transaction, context, incident, measured)));
    const by = context.actor.name;
    await transaction.postmortem.create({
      data: {
        incidentId: incident.id,
        state: "draft",
        ownerName: storableText(owner),
        text,
        ...measuredColumns(measured),
        createdAt: now,
        createdByName: by,
        updatedAt: now,
        updatedByName: by,
        history: { create: { version: 1, text, beganAt: now, at: now, byName: by, mark: "drafted" } },
      },
    });
    return {
      message: `${by} drafted the postmortem.`,
      rows: [row("changed", `${by} drafted the postmortem.`, by, now)],
      after: { owner },
    };
  });
}

/** Measures the impact and the charts again, as after a change of the incident's times. Operators; audited. Not of a published one. */
export async function measurePostmortem(context: MeasuringContext, id: string): Promise<Impact> {
  authorise(context, "operator", "measure an impact");
  const incident = await findIncident(context, id);
  const before = measuredOf(await findPostmortem(context, incident.id));
  const after = await measureIncident(context, incident, before);
  await writeIncident(context, { id, verb: "measure-impact", input: {} }, async (transaction, _, now) => {
    refusePublished(await lockPostmortem(transaction, incident.id));
    await transaction.postmortem.update({ where: { incidentId: incident.id }, data: measuredColumns(after) });
    const { name } = context.actor;
    const message = `${name} measured the impact of the postmortem again.`;
    return { message, rows: [row("changed", message, name, now)], before: before.impact, after: after.impact };
  });
  return after.impact;
}

async function findIncident({ db }: Context, id: string): Promise<StoredIncident> {
  const incident = await readIncident(db, parseId(id, "incident"));
  if (!incident) throw noSuchIncident();
  return incident;
}

async function findPostmortem({ db }: Context, incidentId: string) {
  const row = await db.postmortem.findUnique({ where: { incidentId }, select: { impact: true, charts: true } });
  if (!row) throw noSuchPostmortem();
  return row;
}

function measuredColumns({ impact, charts }: Measured) {
  return { impact: impact ? toJson(impact) : Prisma.DbNull, charts: toJson(charts) };
}

/** Gives a postmortem another owner. Operators; audited. */
export async function changePostmortem(context: Context, id: string, input: unknown) {
  authorise(context, "operator", "change a postmortem");
  const { owner } = parseInput(changePostmortemSchema, input);
  const incidentId = parseId(id, "incident");
  return transact(context, async (transaction) => {
    const before = await lockPostmortem(transaction, incidentId);
    await transaction.postmortem.update({ where: { incidentId }, data: { ownerName: storableText(owner) } });
    await auditPostmortem(transaction, context, before, {
      verb: "update",
      before: { owner: before.ownerName },
      after: { owner },
    });
    return viewPostmortem({ ...before, ownerName: owner });
  });
}

/**
 * Asks for a review, approves, gives back, publishes, or reopens. Operators; who approves is a person that has not written it. What is
 * missing keeps it from being published unless an administrator overrides it with a reason; before the incident is resolved nobody
 * can. The incident is documented with the publication, which keeps the facts as they are then, and not while it is reopened.
 */
export async function commandPostmortem(
  context: MeasuringContext,
  { id, command, body, key }: Request & { command: string },
): Promise<IncidentChange> {
  const known = postmortemCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for a postmortem.`);
  authorise(context, "operator", whatFor[known]);
  const { reviewer = null, reason = null, override } = parseInput(postmortemCommandSchema, body);
  if (override) authorise(context, "admin", "publish a postmortem although something is missing");
  const why = known === "publish" ? (override?.reason ?? null) : reason;
  const measured = known === "publish" ? await measureBeforePublication(context, id) : null;
  return writeIncident(
    context,
    { id, verb: `${known}-postmortem`, input: body ?? {}, key },
    async (transaction, incident, now) => {
      const postmortem = await lockPostmortem(transaction, incident.id);
      await refuseCommand(transaction, context, { known, row: postmortem, why });
      const version = postmortem.version + 1;
      const by = context.actor.name;
      const facts = measured && (await collectFacts(transaction, context, incident, measured));
      await transaction.postmortem.update({
        where: { incidentId: incident.id },
        data: {
          ...stateAfter(known, { by, now, version, reviewer, why }),
          ...(measured && facts && { ...measuredColumns(measured), facts: toJson({ ...facts, isFrozen: true }) }),
          version,
          history: { create: { version, text: postmortem.text, beganAt: now, at: now, byName: by, mark: markOf[known] } },
        },
      });
      return plan(context, { known, incident, why, reviewer, now });
    },
  );
}

const whatFor: Record<PostmortemCommand, string> = {
  review: "ask for a review of a postmortem",
  approve: "approve a postmortem",
  return: "give a postmortem back",
  publish: "publish a postmortem",
  reopen: "reopen a postmortem",
};
const markOf: Record<PostmortemCommand, VersionMark> = {
  review: "review",
  approve: "approved",
  return: "returned",
  publish: "published",
  reopen: "reopened",
};

async function measureBeforePublication(context: MeasuringContext, id: string): Promise<Measured> {
  const incident = await findIncident(context, id);
  return measureAnew(context, incident, measuredOf(await findPostmortem(context, incident.id)));
}

type Refusing = { known: PostmortemCommand; row: StoredPostmortem; why: string | null };

async function refuseCommand(transaction: Transaction, { actor }: Context, { known, row: stored, why }: Refusing): Promise<void> {
  const { commands, state, owner, reviewBy } = viewPostmortem(stored);
  const gaps = gapsOfRow(stored);
  const canOverride = known === "publish" && state !== "published" && gaps.every(({ id }) => id !== "unresolved");
  const refusal = commands[known];
  if (refusal !== null && !(canOverride && why !== null)) {
    const hint =
      canOverride && gaps.length > 0 ? " An administrator publishes it all the same with an override and a reason." : "";
    throw new DomainError("precondition-failed", `Nothing was done. ${refusal}${hint}`);
  }
  if ((known === "reopen" || known === "return") && why === null) {
    const message = known === "reopen" ? "Say why it is reopened." : "Say what is still to be done.";
    throw new DomainError("invalid-input", message, { fields: { reason: [message] } });
  }
  if (known !== "approve") return;
  if (actor.kind !== "user") throw new DomainError("not-permitted", "Only a person approves a postmortem.");
  const writers = await writersOf(transaction, stored.incidentId);
  const notThisOne = whyNotApprover(actor.name, { owner, askedBy: reviewBy, writers });
  if (notThisOne !== null) throw new DomainError("not-permitted", notThisOne);
}

/** Who wrote the text before a review was asked of it: a reviewer may mend a word. */
async function writersOf(transaction: Transaction, incidentId: string): Promise<string[]> {
  const asked = await transaction.postmortemVersion.findFirst({
    where: { incidentId, mark: "review" },
    orderBy: { version: "desc" },
    select: { version: true },
  });
  const written = await transaction.postmortemVersion.findMany({
    where: { incidentId, mark: null, version: { lte: asked?.version ?? 0 } },
    distinct: ["byName"],
    select: { byName: true },
  });
  return written.map(({ byName }) => byName);
}

type Decision = { by: string; now: Date; version: number; reviewer: string | null; why: string | null };

function stateAfter(
  command: PostmortemCommand,
  { by, now, version, reviewer, why }: Decision,
): Prisma.PostmortemUncheckedUpdateInput {
  switch (command) {
    case "review":
      return { ...asDraft, state: "review", reviewAt: now, reviewByName: by, reviewerName: reviewer && storableText(reviewer) };
    case "approve":
      return { approvedAt: now, approvedByName: by, approvedVersion: version };
    case "publish":
      return { state: "published", publishedAt: now, publishedByName: by, overrideReason: why && storableText(why) };
    case "return":
    case "reopen":
      return { ...asDraft, facts: Prisma.DbNull };
  }
}

type Told = { known: PostmortemCommand; incident: StoredIncident; why: string | null; reviewer: string | null; now: Date };

function plan({ actor }: Context, { known, incident, why, reviewer, now }: Told): PlannedChange {
  const by = actor.name;
  const because = why === null ? "" : ` ${known === "publish" ? "Overridden" : "Reason"}: ${why}`;
  switch (known) {
    case "review":
      return told(
        "changed",
        `${by} asked ${reviewer === null ? "for" : `${reviewer} for`} a review of the postmortem.${because}`,
      );
    case "approve":
      return told("changed", `${by} approved the postmortem.${because}`);
    case "return":
      return told("changed", `${by} gave the postmortem back.${because}`);
    case "reopen": {
      const data = incident.step === "done" ? { step: "document", documentedAt: null } : {};
      return { ...told("step", `${by} reopened the postmortem.${because}`), data };
    }
    case "publish": {
      const data = incident.step === "document" ? { step: "done", documentedAt: now } : {};
      return {
        ...told("step", `${by} published the postmortem.${because}`),
        data,
        news: [{ event: "postmortem-published", by }],
      };
    }
  }

  function told(kind: "changed" | "step", message: string): PlannedChange {
    return { message, rows: [row(kind, message, by, now)], reason: why, after: reviewer === null ? null : { reviewer } };
  }
}

function row(kind: "changed" | "step", message: string, by: string, at: Date): NewTimelineRow {
  return { at, kind, message, by };
}

/** Audits a change of a postmortem that is none of the incident's own. */
export function auditPostmortem(
  transaction: Transaction,
  context: Context,
  { incidentId, incident }: StoredPostmortem,
  { keyed, ...record }: { verb: string; before?: object; after?: object; keyed?: Keyed },
) {
  return writeAudit(transaction, context, {
    ...keyed,
    verb: record.verb,
    targetKind: "postmortem",
    targetName: incidentName(incident),
    targetUid: incidentId,
    before: record.before ? toJson(record.before) : null,
    after: record.after ? toJson(record.after) : null,
    outcome: "succeeded",
  });
}
