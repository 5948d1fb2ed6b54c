import type { Context, Transaction } from "../../context.ts";
import type { NewTimelineRow } from "../timeline/timeline.ts";

/**
 * Makes a postmortem that is published or in review a draft again, as its incident is not over: what it told was not the whole story.
 * Gives the rows for the incident's timeline; none where there is nothing to reopen.
 */
export async function reopenPostmortem(
  transaction: Transaction,
  { actor }: Pick<Context, "actor">,
  incidentId: string,
  now: Date,
): Promise<NewTimelineRow[]> {
  await transaction.$executeRaw`SELECT 1 FROM postmortems WHERE incident_id = ${incidentId}::uuid FOR UPDATE`;
  const row = await transaction.postmortem.findUnique({
    where: { incidentId },
    select: { state: true, version: true, text: true },
  });
  if (!row || row.state === "draft") return [];
  const version = row.version + 1;
  const { name } = actor;
  await transaction.postmortem.update({
    where: { incidentId },
    data: {
      ...asDraft,
      version,
      history: { create: { version, text: row.text, beganAt: now, at: now, byName: name, mark: "reopened" } },
    },
  });
  const was = row.state === "published" ? "published" : "in review";
  const message = `The postmortem, which was ${was}, is a draft again, as the incident is reopened.`;
  return [{ at: now, kind: "changed", message, by: name }];
}

/** What a postmortem that is written on has not: a review, an approval, a publication. */
export const asDraft = {
  state: "draft",
  reviewAt: null,
  reviewByName: null,
  approvedAt: null,
  approvedByName: null,
  approvedVersion: null,
  publishedAt: null,
  publishedByName: null,
  overrideReason: null,
} as const;
