import { z } from "zod";
import { storableText } from "#lib/database/storable.ts";
import { authorise, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import { auditPostmortem } from "./commands.ts";
import { type SaveAnswer, saveSchema } from "./schemas.ts";
import { lockPostmortem, refusePublished, type StoredPostmortem } from "./stored.ts";

/** Who stops for longer than this, or writes on for longer than that, begins another version of the history. */
const longestPauseMs = 2 * 60_000;
const longestGoMs = 10 * 60_000;
const keptSaves = 200;

const savesSchema = z.array(z.tuple([z.string(), z.number()]));

/**
 * Writes a postmortem's text over the version that was read. Operators. Throws stale when there is a newer one, which is to be read and
 * joined first; a save that was done already answers as it did, so that one whose answer was lost can be sent again.
 */
export async function savePostmortem(context: Context, id: string, input: unknown): Promise<SaveAnswer> {
  authorise(context, "operator", "write a postmortem");
  const { text: given, version: seen, saveId, authorId = context.actor.id } = parseInput(saveSchema, input);
  if (authorId !== context.actor.id)
    throw new DomainError("not-permitted", `You are signed in as ${context.actor.name} by now: load the page anew.`);
  const incidentId = parseId(id, "incident");
  const text = storableText(given);
  return transact(context, async (transaction) => {
    const row = await lockPostmortem(transaction, incidentId);
    const saves = savesSchema.catch([]).parse(row.saves);
    const done = saves.find(([one]) => one === saveId);
    if (done) return { version: done[1] };
    refusePublished(row);
    if (seen !== row.version) throw staleText(seen, row);
    if (text === row.text) return { version: row.version };
    const version = row.version + 1;
    const now = context.clock();
    await keepVersion(transaction, context, { row, text, version, now });
    await transaction.postmortem.update({
      where: { incidentId },
      data: {
        text,
        version,
        updatedAt: now,
        updatedByName: context.actor.name,
        saves: [...saves, [saveId, version] as const].slice(-keptSaves),
      },
    });
    return { version };
  });
}

function staleText(seen: number, { version, updatedByName }: StoredPostmortem): DomainError {
  return new DomainError("stale", `${updatedByName} has changed the text meanwhile. Read it anew and join both.`, {
    changed: [{ field: "version", seen: `${seen}`, now: `${version}` }],
  });
}

type Written = { row: StoredPostmortem; text: string; version: number; now: Date };

/** What one person writes in one go is one version; what has a mark stays as it was. */
async function keepVersion(transaction: Transaction, context: Context, { row, text, version, now }: Written): Promise<void> {
  const { incidentId } = row;
  const by = context.actor.name;
  const last = await transaction.postmortemVersion.findFirst({ where: { incidentId }, orderBy: { version: "desc" } });
  const goesOn =
    last !== null &&
    last.mark === null &&
    last.byName === by &&
    now.getTime() - last.at.getTime() <= longestPauseMs &&
    now.getTime() - last.beganAt.getTime() <= longestGoMs;
  if (goesOn) {
    const where = { incidentId_version: { incidentId, version: last.version } };
    await transaction.postmortemVersion.update({ where, data: { version, text, at: now } });
    return;
  }
  await transaction.postmortemVersion.create({ data: { incidentId, version, text, beganAt: now, at: now, byName: by } });
  await auditPostmortem(transaction, context, row, { verb: "write", before: { version: row.version }, after: { version } });
}
