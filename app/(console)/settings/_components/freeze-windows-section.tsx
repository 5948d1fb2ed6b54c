"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Snowflake } from "lucide-react";
import { useState } from "react";
import { freezeScope, freezeWindowsQuery } from "#lib/client/freeze-windows.ts";
import type { FreezeState, FreezeWindowView } from "#lib/domain/rollouts/start/freeze-schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { useNarrow } from "../../../ui/use-narrow.ts";
import { CancelFreezeDialog, NewFreezeDialog } from "./freeze-window-dialogs.tsx";

/** The times in which no rollout may begin. */
export function FreezeWindowsSection() {
  const query = useInfiniteQuery(freezeWindowsQuery);
  const refusal = useRoleRefusal("admin");
  const isNarrow = useNarrow();
  const [isMaking, setMaking] = useState(false);
  const [cancelling, setCancelling] = useState<FreezeWindowView | null>(null);
  return (
    <>
      <SectionHeader title="Freeze windows" aside="Times in which no rollout begins; what is under way goes on">
        <Button size="small" disabledReason={refusal} onClick={() => setMaking(true)}>
          <Snowflake aria-hidden="true" /> Freeze rollouts
        </Button>
      </SectionHeader>
      <Answer
        of={query}
        what="The freeze windows could not be read"
        still="They are kept all the same when a rollout is started."
        waiting={<TableSkeleton rows={3} columns={5} />}
      >
        {({ pages }) => (
          <DataTable
            label="Freeze windows"
            columns={columnsOf(refusal, setCancelling)}
            rows={pages.flatMap(({ items }) => items)}
            keyOf={({ id }) => id}
            nameOf={(window) => `${freezeScope(window)}: ${window.reason}`}
            note={({ reason }) => isNarrow && <p className="-mt-1 truncate pl-4 text-ink-2">{reason}</p>}
            empty={
              <Empty title="Nothing is frozen">
                A freeze window keeps rollouts from beginning, for a holiday or while an incident is worked on. An administrator
                may override it with a reason.
              </Empty>
            }
          />
        )}
      </Answer>
      <OlderOnes of={query} />
      {isMaking && <NewFreezeDialog onClose={() => setMaking(false)} />}
      {cancelling && <CancelFreezeDialog window={cancelling} onClose={() => setCancelling(null)} />}
    </>
  );
}

const looks: Record<FreezeState, { word: string; health: Parameters<typeof StatusShape>[0]["health"]; color: string }> = {
  active: { word: "In force", health: "paused", color: "text-held" },
  upcoming: { word: "To come", health: "progressing", color: "text-accent" },
  ended: { word: "Over", health: "unknown", color: "text-quiet" },
  cancelled: { word: "Cancelled", health: "unknown", color: "text-quiet" },
};

function columnsOf(refusal: string | null, cancel: (window: FreezeWindowView) => void): Column<FreezeWindowView>[] {
  return [
    {
      id: "state",
      header: "State",
      width: "w-28",
      essential: true,
      cell: (window) => {
        const { word, health, color } = looks[window.state];
        return (
          <span className={`inline-flex items-center gap-1.5 font-medium ${color}`}>
            <StatusShape health={health} /> {word}
          </span>
        );
      },
    },
    { id: "scope", header: "Covers", width: "w-44 max-md:w-auto", essential: true, cell: freezeScope },
    { id: "from", header: "From", width: "w-24", cell: ({ startsAt }) => <TimeAgo at={startsAt} className="text-ink-2" /> },
    {
      id: "to",
      header: "Until",
      width: "w-24 max-md:w-20",
      essential: true,
      cell: ({ endsAt, cancelledAt }) => <TimeAgo at={cancelledAt ?? endsAt} className="text-ink-2" />,
    },
    {
      id: "reason",
      header: "Reason",
      cell: ({ reason }) => (
        <span title={reason} className="text-ink-2">
          {reason}
        </span>
      ),
    },
    {
      id: "by",
      header: "By",
      width: "w-56",
      cell: ({ createdBy, cancelledBy }) => (
        <span className="text-ink-2">{cancelledBy ? `${createdBy}, cancelled by ${cancelledBy}` : createdBy}</span>
      ),
    },
    {
      id: "act",
      header: "",
      width: "w-20",
      align: "right",
      essential: true,
      cell: (window) =>
        (window.state === "active" || window.state === "upcoming") && (
          <Button
            size="small"
            disabledReason={refusal}
            aria-label={`Cancel the freeze of ${freezeScope(window)}`}
            onClick={() => cancel(window)}
          >
            Cancel
          </Button>
        ),
    },
  ];
}
