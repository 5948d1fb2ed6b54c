import { storableText } from "#lib/database/storable.ts";
import { authorise, type Context, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { parseId, parseInput } from "../../validation.ts";
import { auditPostmortem } from "./commands.ts";
import { type CommentView, changeCommentSchema, commentSchema } from "./schemas.ts";
import { lockPostmortem, viewComment } from "./stored.ts";

/** Says something about a postmortem, in any of its states. Operators; audited. */
export async function addComment(context: Context, id: string, input: unknown): Promise<CommentView> {
  authorise(context, "operator", "comment on a postmortem");
  const { text, quote } = parseInput(commentSchema, input);
  const incidentId = parseId(id, "incident");
  const at = context.clock();
  return transact(context, async (transaction) => {
    const row = await lockPostmortem(transaction, incidentId);
    const comment = await transaction.postmortemComment.create({
      data: { incidentId, at, byName: context.actor.name, text: storableText(text), quote: quote && storableText(quote) },
    });
    await auditPostmortem(transaction, context, row, { verb: "comment", after: { commentId: comment.id, text } });
    return viewComment(comment);
  });
}

type CommentRef = { id: string; commentId: string };

/** Changes the words of one's own comment, or settles any of them, or takes that back. Operators; audited. */
export async function changeComment(context: Context, { id, commentId }: CommentRef, input: unknown): Promise<CommentView> {
  authorise(context, "operator", "change a comment");
  const { text, isSettled } = parseInput(changeCommentSchema, input);
  const incidentId = parseId(id, "incident");
  const { actor, clock } = context;
  return transact(context, async (transaction) => {
    const row = await lockPostmortem(transaction, incidentId);
    const before = row.comments.find((comment) => comment.id === commentId);
    if (!before) throw new DomainError("not-found", "There is no comment with this id.");
    if (text !== undefined && before.byName !== actor.name) {
      throw new DomainError("not-permitted", `Only ${before.byName} changes the words of this comment.`);
    }
    const settled = isSettled === undefined || isSettled === (before.settledAt !== null);
    const comment = await transaction.postmortemComment.update({
      where: { id: before.id },
      data: {
        ...(text !== undefined && { text: storableText(text) }),
        ...(!settled && { settledAt: isSettled ? clock() : null, settledByName: isSettled ? actor.name : null }),
      },
    });
    await auditPostmortem(transaction, context, row, {
      verb: "change-comment",
      before: { commentId, text: before.text, isSettled: before.settledAt !== null },
      after: { text: comment.text, isSettled: comment.settledAt !== null },
    });
    return viewComment(comment);
  });
}
