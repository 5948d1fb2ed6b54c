import { storableText } from "#lib/database/storable.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { type Actor, authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { once } from "../../idempotency.ts";
import { parseId, parseInput } from "../../validation.ts";
import { auditPostmortem } from "./commands.ts";
import { type CommentView, changeCommentSchema, commentSchema } from "./schemas.ts";
import { lockPostmortem, type StoredPostmortem, viewComment } from "./stored.ts";

type NewComment = { id: string; body: unknown; key?: unknown };

/** Says something about a postmortem, in any of its states; once for its key. Operators; audited. */
export async function addComment(context: Context, { id, body, key }: NewComment): Promise<CommentView> {
  authorise(context, "operator", "comment on a postmortem");
  const { text, quote } = parseInput(commentSchema, body);
  const incidentId = parseId(id, "incident");
  const { actor, clock } = context;
  return once(context, {
    key,
    hash: hashRequest("comment postmortem", { namespace: "", name: incidentId }, body),
    run: (keyed) =>
      transact(context, async (transaction) => {
        const row = await lockPostmortem(transaction, incidentId);
        const author = { byKind: actor.kind, byId: actor.id, byName: actor.name };
        const comment = await transaction.postmortemComment.create({
          data: { incidentId, at: clock(), ...author, text: storableText(text), quote: quote && storableText(quote) },
        });
        await auditPostmortem(transaction, context, row, { verb: "comment", after: { commentId: comment.id, text }, keyed });
        return viewComment(comment);
      }),
    recall: async ({ after }) => {
      const { commentId } = (after ?? {}) as { commentId?: string };
      if (!commentId) return null;
      const comment = await translateDatabaseErrors(() => context.db.postmortemComment.findUnique({ where: { id: commentId } }));
      if (!comment) throw noSuchComment();
      return viewComment(comment);
    },
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
    const { row, comment: before } = await lockComment(transaction, incidentId, commentId);
    if (text !== undefined) refuseForeign(actor, before, "changes the words of");
    const isSame = isSettled === undefined || isSettled === (before.settledAt !== null);
    const comment = await transaction.postmortemComment.update({
      where: { id: before.id },
      data: {
        ...(text !== undefined && { text: storableText(text) }),
        ...(!isSame && { settledAt: isSettled ? clock() : null, settledByName: isSettled ? actor.name : null }),
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

/** Takes one's own comment away; what it said stays in the audit. Operators. */
export async function removeComment(context: Context, { id, commentId }: CommentRef): Promise<void> {
  authorise(context, "operator", "remove a comment");
  const incidentId = parseId(id, "incident");
  await transact(context, async (transaction) => {
    const { row, comment } = await lockComment(transaction, incidentId, commentId);
    refuseForeign(context.actor, comment, "removes");
    await transaction.postmortemComment.delete({ where: { id: comment.id } });
    await auditPostmortem(transaction, context, row, { verb: "remove-comment", before: { commentId, text: comment.text } });
  });
}

async function lockComment(transaction: Transaction, incidentId: string, commentId: string) {
  const row = await lockPostmortem(transaction, incidentId);
  const comment = row.comments.find((one) => one.id === commentId);
  if (!comment) throw noSuchComment();
  return { row, comment };
}

/** A token may have the name of a person, and is another one. */
function refuseForeign({ kind, id }: Actor, comment: StoredPostmortem["comments"][number], does: string): void {
  if (comment.byKind === kind && comment.byId === id) return;
  const author = comment.byKind === "token" ? `the token ${comment.byName}` : comment.byName;
  throw new DomainError("not-permitted", `Only ${author} ${does} this comment.`);
}

function noSuchComment(): DomainError {
  return new DomainError("not-found", "There is no comment with this id.");
}
