"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addComment, changeComment, postmortemKeys, removeComment } from "#lib/client/postmortems.ts";
import type { CommentView, PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Field, TextArea } from "../../../../../ui/field.tsx";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal, useSession } from "../../../../../ui/session.tsx";
import { useSendKey } from "../../../../../ui/use-send-key.ts";
import { useStored } from "../../../../../ui/use-stored.ts";
import { useIsBrowser } from "./use-is-browser.ts";

/** What others say about the text; settled ones are folded away. */
export function CommentsSection({ postmortem: { incidentId, comments } }: { postmortem: PostmortemView }) {
  const isBrowser = useIsBrowser();
  const [withSettled, setWithSettled] = useState(false);
  const open = comments.filter(({ settledAt }) => settledAt === null);
  const settled = comments.length - open.length;
  return (
    <section aria-label="Comments">
      <SectionHeader title="Comments" aside={open.length > 0 ? `${open.length} not settled` : undefined}>
        {settled > 0 && (
          <Button size="small" look="ghost" onClick={() => setWithSettled(!withSettled)}>
            {withSettled ? "Hide settled ones" : `Show ${settled} settled`}
          </Button>
        )}
      </SectionHeader>
      <ul>
        {(withSettled ? comments : open).map((comment) => (
          <Comment key={comment.id} incidentId={incidentId} comment={comment} />
        ))}
      </ul>
      {isBrowser && <NewComment incidentId={incidentId} />}
    </section>
  );
}

function Comment({ incidentId, comment }: { incidentId: string; comment: CommentView }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const userId = useSession()?.id;
  const [isEditing, setEditing] = useState(false);
  const isSettled = comment.settledAt !== null;
  const onSettled = () => void queries.invalidateQueries({ queryKey: postmortemKeys.all });
  const settle = useMutation({
    mutationFn: () => changeComment(incidentId, comment.id, { isSettled: !isSettled }),
    onSettled,
  });
  const remove = useMutation({ mutationFn: () => removeComment(incidentId, comment.id), onSettled });
  const error = settle.error ?? remove.error;
  return (
    <li className={cn("border-b px-4 py-2", isSettled && "opacity-70")}>
      <div className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
        <span className="font-medium text-ink-2">{comment.by}</span>
        <TimeAgo at={comment.at} />
        {isSettled && <span>settled by {comment.settledBy}</span>}
        <span className="ml-auto flex">
          {comment.userId !== null && comment.userId === userId && !isEditing && (
            <>
              <Button size="small" look="ghost" disabledReason={refusal} onClick={() => setEditing(true)}>
                Edit
              </Button>
              <Button size="small" look="ghost" busy={remove.isPending} disabledReason={refusal} onClick={() => remove.mutate()}>
                Remove
              </Button>
            </>
          )}
          <Button size="small" look="ghost" busy={settle.isPending} disabledReason={refusal} onClick={() => settle.mutate()}>
            {isSettled ? "Open again" : "Settle"}
          </Button>
        </span>
      </div>
      {comment.quote && <blockquote className="my-1 border-l-2 pl-2 text-xs text-ink-3">{comment.quote}</blockquote>}
      {isEditing ? (
        <EditComment incidentId={incidentId} comment={comment} onClose={() => setEditing(false)} />
      ) : (
        <Markdown text={comment.text} topLevel={4} />
      )}
      {error && <ErrorNotice className="mt-1" what="Nothing was changed" error={error} />}
    </li>
  );
}

const longestComment = 5_000;

function EditComment({ incidentId, comment, onClose }: { incidentId: string; comment: CommentView; onClose: () => void }) {
  const queries = useQueryClient();
  const [edited, setEdited] = useStored(`edit of comment ${comment.id}`, comment.text, "browser");
  const save = useMutation({
    mutationFn: () => changeComment(incidentId, comment.id, { text: edited }),
    onSuccess: () => {
      setEdited("");
      onClose();
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending && edited.trim() !== "") save.mutate();
  };
  return (
    <form onSubmit={submit} className="mt-1 grid gap-2">
      <TextArea
        aria-label="Words of the comment"
        rows={3}
        maxLength={longestComment}
        value={edited}
        onChange={({ target }) => setEdited(target.value)}
      />
      {save.error && <ErrorNotice what="The comment is as before" error={save.error} />}
      <span className="flex gap-2">
        <Button type="submit" size="small" busy={save.isPending}>
          Save
        </Button>
        <Button size="small" look="ghost" onClick={onClose}>
          Back
        </Button>
      </span>
    </form>
  );
}

const longestQuote = 500;

/** A comment is about the words that are selected in the text when it is begun. */
function NewComment({ incidentId }: { incidentId: string }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const [text, setText] = useStored(`comment ${incidentId}`, "", "browser");
  const [quote, setQuote] = useStored(`quote of comment ${incidentId}`, "", "browser");
  const { keyOf, answered } = useSendKey(`comment ${incidentId}`);
  const add = useMutation({
    mutationFn: () => {
      const input = { text, quote: quote || null };
      return addComment(incidentId, input, keyOf(input));
    },
    onSuccess: () => {
      answered();
      setText("");
      setQuote("");
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && !add.isPending && text.trim() !== "") add.mutate();
  };
  const quoteSelected = () => {
    const words = window.getSelection()?.toString().trim() ?? "";
    if (words !== "") setQuote(words.slice(0, longestQuote));
  };
  return (
    <form onSubmit={submit} className="grid gap-2 border-b px-4 py-3">
      {quote && (
        <blockquote className="flex gap-2 border-l-2 pl-2 text-xs text-ink-3">
          <span className="min-w-0 flex-1 break-words">{quote}</span>
          <Button size="small" look="ghost" onClick={() => setQuote("")}>
            Not about this
          </Button>
        </blockquote>
      )}
      <Field label="Comment" hint="Select words in the text first to say what it is about.">
        {(ties) => (
          <TextArea
            {...ties}
            rows={2}
            maxLength={longestComment}
            value={text}
            onPointerDown={quoteSelected}
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      {add.error && <ErrorNotice what="The comment was not added" error={add.error} />}
      <Button type="submit" size="small" busy={add.isPending} disabledReason={refusal} className="justify-self-start">
        Comment
      </Button>
    </form>
  );
}
