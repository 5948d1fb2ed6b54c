"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { codeOf } from "#lib/client/api.ts";
import { runbookKeys, runbookQuery, runbookVersionQuery, saveRunbook } from "#lib/client/runbooks.ts";
import { mergeTexts, settleConflicts } from "#lib/domain/incidents/postmortem/merge.ts";
import type { RunbookView } from "#lib/domain/runbooks/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TemplateDiff } from "../../../ui/diff-view.tsx";
import { Field, Input, TextArea } from "../../../ui/field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { RunbookText } from "../../../ui/runbooks/runbook-text.tsx";
import { useStored } from "../../../ui/use-stored.ts";

const help = "Markdown. A button: [Roll back](action:roll-back); also restart, scale, open-breaker, close-breaker, fail-over.";

/**
 * Text and preview side by side. What is typed stays in this browser until it is saved or given up; when somebody else saved meanwhile
 * both texts are shown, and nothing is written before the person has chosen.
 */
export function RunbookEditor({ runbook, author, onDone }: { runbook: RunbookView; author: string; onDone: () => void }) {
  const queries = useQueryClient();
  const { scope, group, name } = runbook;
  const ref = { scope, group, name };
  const key = `runbook ${author} ${scope}/${group}/${name}`;
  const [text, setText] = useStored(key, runbook.text ?? "", "browser");
  const [note, setNote] = useStored(`${key} note`, "", "browser");
  // A draft that was kept goes over the version that it was begun from, not over what is newest now.
  const [base, setBase] = useStored(`${key} version`, `${runbook.version}`, "browser");
  const [wasStale, setStale] = useState(false);
  const type = (next: string) => {
    setBase(base);
    setText(next);
  };
  const forget = () => {
    setText("");
    setNote("");
    setBase("");
  };
  const save = useMutation({
    mutationFn: () => saveRunbook(ref, { text, version: Number(base), note: note.trim() || undefined }),
    onSuccess: (saved) => {
      queries.setQueryData(runbookQuery(ref).queryKey, saved);
      forget();
      onDone();
    },
    onError: (error) => setStale(codeOf(error) === "stale"),
    onSettled: () => void queries.invalidateQueries({ queryKey: runbookKeys.all }),
  });
  const giveUp = () => {
    forget();
    onDone();
  };
  const isOld = wasStale || Number(base) !== runbook.version;
  const began = useQuery({ ...runbookVersionQuery(ref, Number(base)), enabled: isOld });
  // Where both changed the same words, both stand one after the other, to be mended by hand.
  const isHere = Number(base) !== runbook.version;
  const joined = began.data && isHere ? settleConflicts(mergeTexts(began.data.text, text, runbook.text ?? ""), []) : null;
  const goOn = (next: string) => {
    setBase(`${runbook.version}`);
    setText(next);
    setStale(false);
    save.reset();
  };
  return (
    <div className="grid gap-4 px-4 py-4">
      {isOld && (
        <section
          aria-label="Somebody else's version"
          className="grid gap-2 rounded-md border border-warn-fill/50 bg-warn-soft p-3"
        >
          <p className="font-medium text-warn">
            {runbook.by ?? "Somebody"} wrote version {runbook.version} meanwhile; yours began from version {base}.
          </p>
          <TemplateDiff
            isLow
            before={runbook.text ?? ""}
            after={text}
            beforeTitle={`Version ${runbook.version}`}
            afterTitle="Yours"
          />
          <div className="flex flex-wrap gap-2">
            <Button
              busy={began.isFetching}
              disabledReason={joined === null ? "The other versions are being read." : null}
              onClick={() => goOn(joined ?? text)}
            >
              Join both
            </Button>
            <Button look="ghost" onClick={() => goOn(text)}>
              Mine goes over it
            </Button>
            <Button look="ghost" onClick={giveUp}>
              Take version {runbook.version}
            </Button>
          </div>
        </section>
      )}
      <div className="grid gap-4 lg:grid-cols-2">
        <Field label={`Text of ${name}`} hint={help}>
          {(ties) => (
            <TextArea
              {...ties}
              autoFocus
              rows={24}
              maxLength={50_000}
              className="font-mono text-xs leading-5"
              value={text}
              onChange={({ target }) => type(target.value)}
            />
          )}
        </Field>
        <section aria-label="Preview" className="min-w-0">
          <h2 className="font-medium text-ink-2">Preview</h2>
          <div className="mt-1 rounded-md border px-3 py-2">
            <RunbookText text={text} service={null} reason="" topLevel={2} />
          </div>
        </section>
      </div>
      <Field label="What was changed, and why" hint="Stands in the history and in the audit.">
        {(ties) => <Input {...ties} maxLength={500} value={note} onChange={({ target }) => setNote(target.value)} />}
      </Field>
      {save.error !== null && !isOld && <ErrorNotice what="Not saved; the text stays here" error={save.error} />}
      <div className="flex flex-wrap gap-2">
        <Button
          look="primary"
          busy={save.isPending}
          disabledReason={
            isOld
              ? "Join both versions first."
              : text.trim() === ""
                ? "Write something."
                : text === runbook.text
                  ? "Nothing is changed."
                  : null
          }
          onClick={() => save.mutate()}
        >
          Save as version {runbook.version + 1}
        </Button>
        <Button look="ghost" onClick={giveUp}>
          {text === (runbook.text ?? "") ? "Close" : "Give up what was typed"}
        </Button>
      </div>
    </div>
  );
}
