"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { restoreAddress, restoreName, restoreTitle } from "#lib/client/recovery-view.ts";
import { restoresQuery } from "#lib/client/restores.ts";
import { type RestoreView, restoreStates } from "#lib/domain/recovery/restores/schemas.ts";
import { Answer, OlderOnes } from "../../../../ui/answer.tsx";
import { ChoiceFilter } from "../../../../ui/choice.tsx";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../ui/data-table.tsx";
import { Tint } from "../../../../ui/figure.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../../ui/notices.tsx";
import { RunMark, runWord } from "../../../../ui/recovery/marks.tsx";
import { SubjectFilter } from "../../../../ui/recovery/subject-field.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useUrlState } from "../../../../ui/use-url-state.ts";
import { RecoveryHeader } from "../../_components/recovery-header.tsx";

const columns: Column<RestoreView>[] = [
  {
    id: "state",
    header: "State",
    width: "w-28",
    essential: true,
    cell: ({ state }) => (
      <Tint value={state}>
        <RunMark state={state} />
      </Tint>
    ),
  },
  {
    id: "number",
    header: "Restore",
    width: "w-16",
    cell: (restore) => <span className="font-mono text-xs text-ink-3">{restoreName(restore)}</span>,
  },
  {
    id: "subject",
    header: "Service",
    width: "w-36 max-md:w-24",
    essential: true,
    cell: ({ subject }) => <SubjectLink subject={subject} />,
  },
  { id: "title", header: "Where to", width: "w-56 max-md:w-auto", essential: true, cell: restoreTitle },
  {
    id: "message",
    header: "Where it is",
    cell: ({ message, state }) => (
      <span title={message} className={state === "failed" ? "text-bad" : "text-ink-2"}>
        {message}
      </span>
    ),
  },
  {
    id: "reason",
    header: "Reason",
    width: "w-36",
    cell: ({ reason }) => (
      <span title={reason} className="text-ink-2">
        {reason}
      </span>
    ),
  },
  { id: "by", header: "By", width: "w-24", cell: ({ requestedBy }) => <span className="text-ink-2">{requestedBy}</span> },
  { id: "at", header: "When", width: "w-20", cell: ({ createdAt }) => <TimeAgo at={createdAt} className="text-ink-2" /> },
  {
    id: "took",
    header: "Took",
    width: "w-24",
    align: "right",
    cell: ({ startedAt, finishedAt }) => (startedAt ? <Elapsed from={startedAt} to={finishedAt} /> : "–"),
  },
];

export function RestoresPage() {
  const router = useRouter();
  const [search, setSearch] = useUrlState();
  const subject = search.get("subject") ?? undefined;
  const state = restoreStates.find((each) => each === search.get("state"));
  const query = useInfiniteQuery(restoresQuery({ subject, state }));
  return (
    <>
      <RecoveryHeader />
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <SubjectFilter value={subject} onChange={(next) => setSearch({ subject: next })} />
        <ChoiceFilter
          label="State"
          every="Every state"
          value={state}
          options={restoreStates.map((each) => [each, runWord(each)])}
          onChange={(next) => setSearch({ state: next })}
        />
      </div>
      <Answer of={query} what="The restores could not be read" waiting={<TableSkeleton rows={10} columns={7} />}>
        {({ pages }) => (
          <DataTable
            label="Restores"
            columns={columns}
            rows={pages.flatMap(({ items }) => items)}
            keyOf={({ id }) => id}
            nameOf={(restore) => `${restoreName(restore)} of ${restore.subject}: ${runWord(restore.state)}`}
            onOpen={(restore) => router.push(restoreAddress(restore))}
            empty={
              subject || state ? (
                <NoneFits thing="restore" onClear={() => setSearch({ subject: null, state: null })} />
              ) : (
                <Empty title="Nothing was ever restored">
                  Begin one from{" "}
                  <Link href="/recovery/backups" className="text-accent hover:underline">
                    a backup's page
                  </Link>
                  ; into scratch it touches nothing.
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <OlderOnes of={query} />
    </>
  );
}
