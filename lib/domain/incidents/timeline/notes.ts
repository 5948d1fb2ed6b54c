import { authorise, type Context } from "../../context.ts";
import { parseInput } from "../../validation.ts";
import { refuseFuture } from "../clock-input.ts";
import { type IncidentChange, noteSchema, updateSchema } from "../schemas.ts";
import type { StoredIncident } from "../stored.ts";
import { writeIncident } from "../write.ts";

/** Writes a note of a person, in Markdown, at the time that it is about. Operators. */
export async function addNote(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "write notes");
  const { text, at } = parseInput(noteSchema, input);
  return writeIncident(context, { id, verb: "note", input, key }, async (_, incident, now) => {
    if (at) refuseFuture("at", at, now);
    return {
      message: "The note is in the timeline.",
      rows: [{ at: at ?? now, kind: "note", message: text, by: context.actor.name, service: onlyService(incident) }],
      after: { text },
    };
  });
}

/** Posts a status update for the team, or the text for those outside, and sends it to the targets that want it. Operators. */
export async function postUpdate(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "post status updates");
  const { audience, text } = parseInput(updateSchema, input);
  return writeIncident(context, { id, verb: "post-update", input, key }, async (_, incident, now) => ({
    message: "The update is in the timeline.",
    rows: [
      { at: now, kind: "update", message: text, by: context.actor.name, service: onlyService(incident), detail: { audience } },
    ],
    after: { audience, text },
    news: [{ event: audience === "external" ? "external-update" : "status-update", by: context.actor.name, text }],
  }));
}

/** The service whose charts show it, where there is no doubt. */
function onlyService({ services }: StoredIncident) {
  const [first, ...others] = services;
  return first && others.length === 0 ? { namespace: first.namespace, name: first.service } : null;
}
