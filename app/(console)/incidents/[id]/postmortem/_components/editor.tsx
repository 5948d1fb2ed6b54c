"use client";
import { useLayoutEffect, useRef } from "react";
import { movePlace } from "#lib/client/postmortem-draft.ts";
import type { PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { longestText } from "#lib/domain/incidents/postmortem/schemas.ts";
import { cn } from "../../../../../ui/class-names.ts";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useSettled } from "../../../../../ui/use-settled.ts";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { ConflictView } from "./conflict-view.tsx";
import { SaveStatus } from "./save-status.tsx";
import { useDraft } from "./use-draft.ts";

const modes = [
  ["write", "Write"],
  ["preview", "Preview"],
  ["both", "Both"],
] as const;

/** The text as Markdown and as it will look. What is typed is saved by itself. */
export function Editor({ postmortem }: { postmortem: PostmortemView }) {
  const { view, session } = useDraft(postmortem);
  const [search, setSearch] = useUrlState();
  if (postmortem.state === "published" && view.status === "saved") return <PostmortemText text={view.text} />;
  const mode = modes.find(([value]) => value === search.get("view"))?.[0] ?? "both";
  return (
    <section aria-label="The text">
      <SectionHeader
        title="The text"
        aside={<SaveStatus view={view} updatedBy={postmortem.updatedBy} onDiscard={() => session.discard()} />}
      >
        <div role="radiogroup" aria-label="View" className="flex overflow-hidden rounded-md border print:hidden">
          {modes.map(([value, label]) => (
            // biome-ignore lint/a11y/useSemanticElements: a group of buttons that looks like one.
            <button
              key={value}
              type="button"
              role="radio"
              aria-checked={mode === value}
              onClick={() => setSearch({ view: value === "both" ? null : value })}
              className={cn(
                "h-6 px-2 text-xs text-ink-2 hover:bg-hover",
                mode === value && "bg-accent-soft font-medium text-accent",
              )}
            >
              {label}
            </button>
          ))}
        </div>
      </SectionHeader>
      {view.pieces && <ConflictView pieces={view.pieces} onSettle={(choices) => session.settle(choices)} />}
      <div className={cn("grid", mode === "both" && "md:grid-cols-2")}>
        {mode !== "preview" && <Writing text={view.text} onType={(text) => session.type(text)} onSave={() => session.flush()} />}
        {mode !== "write" && <Preview text={view.text} isBeside={mode === "both"} />}
      </div>
    </section>
  );
}

/** The text as it reads, where it is not to be written. */
export const PostmortemText = ({ text }: { text: string }) => (
  <article className="max-w-3xl px-4 py-4">
    <Markdown text={text} />
  </article>
);

function Writing({ text, onType, onSave }: { text: string; onType: (text: string) => void; onSave: () => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const shown = useRef(text);
  const selected = useRef<[number, number]>([0, 0]);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element || shown.current === text) return;
    // Others' words came in: the cursor stays at the words where it was.
    const [start, end] = selected.current;
    const before = shown.current;
    shown.current = text;
    if (document.activeElement === element)
      element.setSelectionRange(movePlace(before, text, start), movePlace(before, text, end));
  }, [text]);
  const remember = () => {
    if (area.current) selected.current = [area.current.selectionStart, area.current.selectionEnd];
  };
  return (
    <textarea
      ref={area}
      aria-label="Text of the postmortem, Markdown"
      value={text}
      maxLength={longestText}
      spellCheck
      onSelect={remember}
      onKeyDown={(event) => {
        if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onSave();
      }}
      onChange={({ target }) => {
        shown.current = target.value;
        remember();
        onType(target.value);
      }}
      className="scroll-thin min-h-[70vh] w-full resize-y bg-canvas px-4 py-4 font-mono text-xs leading-5 text-ink outline-none focus-visible:shadow-[inset_2px_0_0_var(--accent-solid)] print:hidden"
    />
  );
}

const settleMs = 200;

function Preview({ text, isBeside }: { text: string; isBeside: boolean }) {
  // A long text is read anew after a pause only, so that typing stays quick.
  const settled = useSettled(text, settleMs);
  return (
    <article
      aria-label="Preview"
      className={cn(
        "scroll-thin max-w-3xl px-4 py-4",
        isBeside && "max-h-[85vh] overflow-y-auto max-md:hidden md:border-l print:block print:max-h-none",
      )}
    >
      <Markdown text={settled} />
    </article>
  );
}
