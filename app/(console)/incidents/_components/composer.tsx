"use client";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { postNote, postUpdate } from "#lib/client/incidents.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TextArea } from "../../../ui/field.tsx";
import { usePastedImages } from "../../../ui/incidents/use-pasted-images.ts";
import { isGoing } from "../../../ui/keys.ts";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useSendKey } from "../../../ui/use-send-key.ts";
import { useStored } from "../../../ui/use-stored.ts";
import { useIncidentWrite } from "./use-incident-write.ts";

const kinds = {
  note: { label: "Note", placeholder: "What you saw, tried or found. Markdown; pictures may be pasted.", send: "Add the note" },
  internal: {
    label: "Update for the team",
    placeholder: "Where it stands, what is done next, and when the next update comes.",
    send: "Send to the team",
  },
  external: {
    label: "Update for those outside",
    placeholder: "What users notice, since when, and when you will say more. No names, no internals.",
    send: "Send to those outside",
  },
} as const;
type Kind = keyof typeof kinds;

/** Writes notes and status updates. What is typed stays in the browser until it is sent; Ctrl Enter sends, `n` leads here. */
export function Composer({ incident }: { incident: IncidentDetail }) {
  const [storedKind, setKind] = useStored(`kind for the timeline of incident ${incident.id}`, "", "browser");
  const kind = (Object.keys(kinds) as Kind[]).find((each) => each === storedKind) ?? "note";
  const [text, setText] = useStored(`timeline of incident ${incident.id}`, "", "browser");
  const [isOpen, setOpen] = useState(text !== "");
  const field = useRef<HTMLTextAreaElement>(null);
  const refusal = useRoleRefusal("operator");
  const { keyOf, answered } = useSendKey(`timeline of incident ${incident.id}`);
  const write = useIncidentWrite({
    onDone: () => {
      answered();
      setText("");
    },
  });
  const images = usePastedImages({ incidentId: incident.id, field, text, setText });
  useWritingKey(field);

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    const message = text.trim();
    if (refusal || write.isPending || images.isSending || message === "") return;
    const key = keyOf([kind, message]);
    write.mutate(() =>
      kind === "note"
        ? postNote(incident.id, { text: message }, key)
        : postUpdate(incident.id, { audience: kind, text: message }, key),
    );
  };

  return (
    <form onSubmit={submit} className="grid gap-2 border-b bg-sunken px-4 py-2">
      <TextArea
        ref={field}
        {...images.handlers}
        aria-label={kinds[kind].label}
        aria-keyshortcuts="n"
        rows={isOpen ? 3 : 1}
        value={text}
        maxLength={20_000}
        placeholder={isOpen ? kinds[kind].placeholder : "Write a note or an update (n)"}
        onFocus={() => setOpen(true)}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
        }}
      />
      {isOpen && (
        <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
          {(Object.keys(kinds) as Kind[]).map((each) => (
            <label key={each} className="inline-flex items-center gap-1.5">
              <input
                type="radio"
                name="kind"
                checked={kind === each}
                onChange={() => setKind(each)}
                className="accent-(--accent-solid)"
              />
              {kinds[each].label}
            </label>
          ))}
          <span className="ml-auto flex items-center gap-2">
            <kbd className="text-2xs text-ink-3 max-md:hidden">Ctrl Enter</kbd>
            <Button
              type="submit"
              look="primary"
              size="small"
              busy={write.isPending}
              disabledReason={
                refusal ?? (images.isSending ? "A picture is on its way." : text.trim() === "" ? "Write something first." : null)
              }
            >
              {kinds[kind].send}
            </Button>
          </span>
        </div>
      )}
      {images.error !== null && <ErrorNotice what="The picture was not kept" error={images.error} />}
      {write.error !== null && <ErrorNotice what="Not written: what you typed is still here" error={write.error} />}
    </form>
  );
}

function useWritingKey(field: { current: HTMLTextAreaElement | null }) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "n" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isGoing()) return;
      if (event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[role=dialog]")) return;
      if (document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [field]);
}
