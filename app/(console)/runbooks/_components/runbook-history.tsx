"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { runbookKeys, runbookVersionQuery, runbookVersionsQuery, saveRunbook } from "#lib/client/runbooks.ts";
import type { RunbookVersionView, RunbookView } from "#lib/domain/runbooks/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { TemplateDiff } from "../../../ui/diff-view.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";

/** The versions that it had; each opens beside the one before it. */
export function RunbookHistory({ runbook }: { runbook: RunbookView }) {
  const { scope, group, name } = runbook;
  const query = useQuery(runbookVersionsQuery({ scope, group, name }));
  const [opened, setOpened] = useState<RunbookVersionView | null>(null);
  return (
    <section aria-label="History" className="min-w-0 lg:border-l">
      <SectionHeader title="History" />
      <Answer of={query} what="The history could not be read" waiting={<Skeleton className="m-4 h-16" />}>
        {({ items }) => (
          <ol>
            {items.map((version) => (
              <li key={version.version} className="border-b">
                <button
                  type="button"
                  onClick={() => setOpened(version)}
                  className="flex w-full items-center gap-2 px-4 py-1.5 text-left hover:bg-hover"
                >
                  <span className="w-8 shrink-0 font-mono text-xs text-ink-3">v{version.version}</span>
                  <span className="min-w-0 flex-1 truncate">{describe(version)}</span>
                  {version.at && <TimeAgo at={version.at} className="text-xs text-ink-3" />}
                </button>
              </li>
            ))}
          </ol>
        )}
      </Answer>
      {opened && <VersionDialog runbook={runbook} version={opened} onClose={() => setOpened(null)} />}
    </section>
  );
}

function describe({ version, by, note, isDelivered }: RunbookVersionView): string {
  if (version === 0) return "As Switchyard delivers it";
  const what = isDelivered ? "Put back as delivered" : "Written";
  return `${what} by ${by}${note ? `: ${note}` : ""}`;
}

type VersionProps = { runbook: RunbookView; version: RunbookVersionView; onClose: () => void };

function VersionDialog({ runbook, version, onClose }: VersionProps) {
  const { scope, group, name } = runbook;
  const ref = { scope, group, name };
  const earlier = Math.max(0, version.version - 1);
  const after = useQuery(runbookVersionQuery(ref, version.version));
  const before = useQuery({ ...runbookVersionQuery(ref, earlier), enabled: version.version > 0 });
  const isFirst = version.version === 0;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`${name}, version ${version.version}`}
      description={describe(version)}
      footer={
        version.version !== runbook.version &&
        after.data && <PutBack runbook={runbook} version={version} text={after.data.text} onDone={onClose} />
      }
    >
      <Answer of={after} what="The version could not be read" waiting={<Skeleton className="h-40" />}>
        {({ text }) =>
          isFirst || before.data ? (
            <TemplateDiff
              before={isFirst ? text : (before.data?.text ?? "")}
              after={text}
              beforeTitle={isFirst ? "delivered" : `v${earlier}`}
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

/** Makes an older version the present one: a version more, nothing is lost. */
function PutBack({
  runbook,
  version,
  text,
  onDone,
}: {
  runbook: RunbookView;
  version: RunbookVersionView;
  text: string;
  onDone: () => void;
}) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const { scope, group, name } = runbook;
  const putBack = useMutation({
    mutationFn: () =>
      saveRunbook(
        { scope, group, name },
        { text: version.isDelivered ? null : text, version: runbook.version, note: `Version ${version.version} put back` },
      ),
    onSuccess: onDone,
    onSettled: () => void queries.invalidateQueries({ queryKey: runbookKeys.all }),
  });
  const nothing = version.isDelivered && runbook.isDelivered ? "It is as delivered already." : null;
  return (
    <>
      {putBack.error && <ErrorNotice what="The runbook is as before" error={putBack.error} className="w-full" />}
      <Button busy={putBack.isPending} disabledReason={refusal ?? nothing} onClick={() => putBack.mutate()}>
        Put this version back
      </Button>
    </>
  );
}
