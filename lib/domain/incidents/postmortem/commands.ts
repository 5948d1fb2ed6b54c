import { storableText, toJson } from "#lib/database/storable.ts";
import { writeAudit } from "../../audit.ts";
import { authorise, type ConsoleContext, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import type { IncidentChange } from "../schemas.ts";
import { noSuchIncident, type StoredIncident } from "../stored.ts";
import type { NewTimelineRow } from "../timeline/timeline.ts";
import { type PlannedChange, writeIncident } from "../write.ts";
import { draftPostmortem } from "./draft.ts";
import { collectFacts, harmOf, readIncident } from "./facts.ts";
import { measureImpact } from "./impact.ts";
import {
  changePostmortemSchema,
  draftSchema,
  type Impact,
  type PostmortemCommand,
  postmortemCommandSchema,
  postmortemCommands,
  type VersionMark,
} from "./schemas.ts";
import { gapsOfRow, lockPostmortem, noSuchPostmortem, type StoredPostmortem, viewPostmortem } from "./stored.ts";

type Request = { id: string; body: unknown; key?: unknown };

/** Drafts an incident's postmortem from all that is known of it. Operators. One that there is stays as it is. */
export async function startPostmortem(context: ConsoleContext, { id, body, key }: Request): Promise<IncidentChange> {
  authorise(context, "operator", "draft a postmortem");
  const { owner = context.actor.name } = parseInput(draftSchema, body);
  const impact = await measureNow(context, id);
  return writeIncident(context, { id, verb: "draft-postmortem", input: body ?? {}, key }, async (transaction, incident, now) => {
    if (incident.postmortem) return "It has a postmortem already.";
    const text = storableText(draftPostmortem(await collectFacts(transaction, incident, { owner, impact })));
    const by = context.actor.name;
    await transaction.postmortem.create({
      data: {
        incidentId: incident.id,
        state: "draft",
        ownerName: storableText(owner),
        text,
        impact: toJson(impact),
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

/** Measures the impact again, as after a change of the incident's times; the text stays as it is. Operators. */
export async function measurePostmortem(context: ConsoleContext, id: string): Promise<Impact> {
  authorise(context, "operator", "measure an impact");
  const impact = await measureNow(context, id);
  const { count } = await context.db.postmortem.updateMany({ where: { incidentId: id }, data: { impact: toJson(impact) } });
  if (count === 0) throw noSuchPostmortem();
  return impact;
}

async function measureNow(context: ConsoleContext, id: string): Promise<Impact> {
  const incident = await readIncident(context, parseId(id, "incident"));
  if (!incident) throw noSuchIncident();
  return measureImpact(context, harmOf(incident, context.clock()));
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
 * Asks for a review, publishes, or reopens. Operators. What is missing keeps it from being published unless an override says why it
 * may be all the same; a published one is reopened with a reason. The incident is documented with its publication.
 */
export async function commandPostmortem(
  context: Context,
  { id, command, body, key }: Request & { command: string },
): Promise<IncidentChange> {
  const known = postmortemCommands.find((one) => one === command);
  if (!known) throw new DomainError("not-found", `There is no command ${command} for a postmortem.`);
  authorise(context, "operator", `${known === "review" ? "ask for a review of" : known} a postmortem`);
  const { reason, override } = parseInput(postmortemCommandSchema, body);
  return writeIncident(
    context,
    { id, verb: `${known}-postmortem`, input: body ?? {}, key },
    async (transaction, incident, now) => {
      const postmortem = await lockPostmortem(transaction, incident.id);
      const why = known === "publish" ? (override?.reason ?? null) : (reason ?? null);
      refuseCommand(known, postmortem, why);
      const version = postmortem.version + 1;
      await transaction.postmortem.update({
        where: { incidentId: incident.id },
        data: {
          ...stateAfter(known, context.actor.name, now),
          version,
          history: {
            create: { version, text: postmortem.text, beganAt: now, at: now, byName: context.actor.name, mark: markOf[known] },
          },
        },
      });
      return plan(context, { known, incident, why, now });
    },
  );
}

const markOf: Record<PostmortemCommand, VersionMark> = { review: "review", publish: "published", reopen: "reopened" };

function refuseCommand(command: PostmortemCommand, row: StoredPostmortem, why: string | null): void {
  const { commands, state } = viewPostmortem(row);
  const isOverridden = command === "publish" && why !== null && state !== "published";
  const refusal = commands[command];
  if (refusal !== null && !isOverridden) {
    const hint =
      command === "publish" && gapsOfRow(row).length > 0 ? " Publish it all the same with an override and a reason." : "";
    throw new DomainError("precondition-failed", `Nothing was done. ${refusal}${hint}`);
  }
  if (command === "reopen" && state === "published" && why === null) {
    const message = "Say why it is reopened.";
    throw new DomainError("invalid-input", message, { fields: { reason: [message] } });
  }
}

function stateAfter(command: PostmortemCommand, by: string, now: Date) {
  switch (command) {
    case "review":
      return { state: "review", reviewAt: now, reviewByName: by };
    case "publish":
      return { state: "published", publishedAt: now, publishedByName: by };
    case "reopen":
      return { state: "draft", reviewAt: null, reviewByName: null, publishedAt: null, publishedByName: null };
  }
}

type Told = { known: PostmortemCommand; incident: StoredIncident; why: string | null; now: Date };

function plan({ actor }: Context, { known, incident, why, now }: Told): PlannedChange {
  const by = actor.name;
  const because = why === null ? "" : ` ${known === "publish" ? "Overridden" : "Reason"}: ${why}`;
  switch (known) {
    case "review":
      return told("changed", `${by} asked for a review of the postmortem.${because}`);
    case "reopen":
      return told("changed", `${by} reopened the postmortem.${because}`);
    case "publish": {
      const isLast = incident.step === "document";
      const data = { documentedAt: incident.documentedAt ?? now, ...(isLast && { step: "done" }) };
      return {
        ...told("step", `${by} published the postmortem.${because}`),
        data,
        news: [{ event: "postmortem-published", by }],
      };
    }
  }
  function told(kind: "changed" | "step", message: string): PlannedChange {
    return { message, rows: [row(kind, message, by, now)], reason: why };
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
  record: { verb: string; before?: object; after?: object },
) {
  return writeAudit(transaction, context, {
    verb: record.verb,
    targetKind: "postmortem",
    targetName: `INC-${incident.number}`,
    targetUid: incidentId,
    before: record.before ? toJson(record.before) : null,
    after: record.after ? toJson(record.after) : null,
    outcome: "succeeded",
  });
}
