"use client";
import { useState } from "react";
import { pasteImage } from "#lib/client/incidents.ts";
import type { Author } from "#lib/client/kept-drafts.ts";
import type { PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { cn } from "../../../../../ui/class-names.ts";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { MarkdownEditor } from "../../../../../ui/markdown-editor.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useSession } from "../../../../../ui/session.tsx";
import { useSettled } from "../../../../../ui/use-settled.ts";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { ConflictView } from "./conflict-view.tsx";
import { LeftTexts } from "./left-texts.tsx";
import { SaveStatus } from "./save-status.tsx";
import { useDraft } from "./use-draft.ts";

const modes = [
  ["write", "Write"],
  ["preview", "Preview"],
  ["both", "Both"],
] as const;

/** The text as Markdown and as it will look. What is typed is saved by itself, in the name of who types it. */
export function Editor({ postmortem }: { postmortem: PostmortemView }) {
  const author = useSession();
  return author && <OwnEditor key={author.id} author={author} postmortem={postmortem} />;
}

function OwnEditor({ postmortem, author }: { postmortem: PostmortemView; author: Author }) {
  const { view, session } = useDraft(postmortem, author);
  const [search, setSearch] = useUrlState();
  const [problem, setProblem] = useState<unknown>(null);
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
      {problem !== null && <ErrorNotice className="m-4" what="The picture was not kept" error={problem} />}
      <LeftTexts view={view} onTakeOver={(key) => session.takeOver(key)} onThrowAway={(key) => session.throwAway(key)} />
      <div className={cn("grid", mode === "both" && "md:grid-cols-2")}>
        {mode !== "preview" && (
          <MarkdownEditor
            label="Text of the postmortem, Markdown"
            text={view.text}
            onType={(text, shown) => session.type(text, shown)}
            onSave={() => session.flush()}
            keepPicture={async (file) => (await pasteImage(postmortem.incidentId, file)).address}
            onProblem={setProblem}
          />
        )}
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
