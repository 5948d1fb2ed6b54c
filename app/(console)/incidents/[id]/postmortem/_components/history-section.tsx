"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { newIdempotencyKey } from "#lib/client/actions.ts";
import { postmortemKeys, postmortemVersionQuery, postmortemVersionsQuery, savePostmortem } from "#lib/client/postmortems.ts";
import type { PostmortemView, VersionMark, VersionView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Answer } from "../../../../../ui/answer.tsx";
import { Button } from "../../../../../ui/button.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { TemplateDiff } from "../../../../../ui/diff-view.tsx";
import { ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";

const markWords: Record<VersionMark, string> = {
  drafted: "Drafted",
  review: "Review asked for",
  approved: "Approved",
  returned: "Given back",
  published: "Published",
  reopened: "Reopened",
};

/** The texts that it had; each opens beside the one before it. */
export function HistorySection({ postmortem }: { postmortem: PostmortemView }) {
  const { incidentId } = postmortem;
  const query = useQuery(postmortemVersionsQuery(incidentId));
  const [opened, setOpened] = useState<{ version: VersionView; before: VersionView | null } | null>(null);
  return (
    <section aria-label="History">
      <SectionHeader title="History" />
      <Answer of={query} what="The history could not be read" waiting={<Skeleton className="m-4 h-16" />}>
        {({ items }) => (
          <ol className="scroll-thin max-h-80 overflow-y-auto">
            {items.map((version, index) => (
              <li key={version.version} className="border-b">
                <button
                  type="button"
                  onClick={() => setOpened({ version, before: items[index + 1] ?? null })}
                  className="flex w-full items-center gap-2 px-4 py-1.5 text-left hover:bg-hover"
                >
                  <span className="w-8 shrink-0 font-mono text-xs text-ink-3">v{version.version}</span>
                  <span className="min-w-0 flex-1 truncate">
                    {version.mark ? <span className="font-medium">{markWords[version.mark]}</span> : "Written"} by {version.by}
                  </span>
                  <TimeAgo at={version.at} className="text-xs text-ink-3" />
                </button>
              </li>
            ))}
          </ol>
        )}
      </Answer>
      {opened && <VersionDialog postmortem={postmortem} {...opened} onClose={() => setOpened(null)} />}
    </section>
  );
}

type Opened = { postmortem: PostmortemView; version: VersionView; before: VersionView | null; onClose: () => void };

function VersionDialog({ postmortem, version, before, onClose }: Opened) {
  const { incidentId } = postmortem;
  const after = useQuery(postmortemVersionQuery(incidentId, version.version));
  const earlier = useQuery({ ...postmortemVersionQuery(incidentId, before?.version ?? 0), enabled: before !== null });
  const isReady = before === null || earlier.data !== undefined || earlier.error !== null;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`Version ${version.version}`}
      description={`By ${version.by}, ${version.at.slice(0, 16).replace("T", " ")} UTC.`}
      footer={
        after.data &&
        version.version < postmortem.version && <PutBack postmortem={postmortem} text={after.data.text} onDone={onClose} />
      }
    >
      <Answer of={after} what="The version could not be read" waiting={<Skeleton className="h-40" />}>
        {({ text }) =>
          isReady ? (
            <TemplateDiff
              before={earlier.data?.text ?? ""}
              after={text}
              beforeTitle={before ? `v${before.version}` : "nothing"}
              afterTitle={`v${version.version}`}
            />
          ) : (
            <Skeleton className="h-40" />
          )
        }
      </Answer>
    </Dialog>
  );
}

/** Makes an older text the present one: a version more, nothing is lost. What is being typed is joined with it. */
function PutBack({ postmortem, text, onDone }: { postmortem: PostmortemView; text: string; onDone: () => void }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const { incidentId, version, state } = postmortem;
  const putBack = useMutation({
    mutationFn: () => savePostmortem(incidentId, { text, version, saveId: newIdempotencyKey() }),
    onSuccess: onDone,
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  const published = state === "published" ? "It is published: reopen it first." : null;
  return (
    <>
      {putBack.error && <ErrorNotice what="The text is as before" error={putBack.error} className="w-full" />}
      <Button busy={putBack.isPending} disabledReason={refusal ?? published} onClick={() => putBack.mutate()}>
        Put this text back
      </Button>
    </>
  );
}
