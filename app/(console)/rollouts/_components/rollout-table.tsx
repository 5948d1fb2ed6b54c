"use client";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { changeNames, rolloutChange, rolloutTitle } from "#lib/client/action-texts.ts";
import { strategyName } from "#lib/client/rollout-view.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { Empty } from "../../../ui/notices.tsx";
import { OutcomeStatus } from "../../../ui/status.tsx";
import { useNarrow } from "../../../ui/use-narrow.ts";

const hasFailed = ({ state }: RolloutView) => state === "failed" || state === "aborted";

const columns: Column<RolloutView>[] = [
  {
    id: "state",
    header: "State",
    width: "w-28",
    essential: true,
    cell: (rollout) => (
      <Tint value={rollout.state}>
        <OutcomeStatus outcome={rollout.state} />
      </Tint>
    ),
  },
  {
    id: "service",
    header: "Service",
    width: "w-32 max-md:w-24",
    essential: true,
    cell: (rollout) => (
      <span className="name font-medium" title={rollout.namespace}>
        {rollout.service}
      </span>
    ),
  },
  {
    id: "change",
    header: "Change",
    width: "w-60 max-md:w-auto",
    essential: true,
    cell: (rollout) => (
      <>
        {changeNames[rollout.change]} <span className="text-ink-2">{rolloutChange(rollout)}</span>
      </>
    ),
  },
  {
    id: "strategy",
    header: "Strategy",
    width: "w-24",
    cell: (rollout) => <span className="text-ink-2">{strategyName(rollout.strategy)}</span>,
  },
  {
    id: "message",
    header: "Where it is",
    cell: (rollout) => (
      <span title={rollout.message} className={hasFailed(rollout) ? "text-bad" : "text-ink-2"}>
        {rollout.message}
      </span>
    ),
  },
  {
    id: "reason",
    header: "Reason",
    width: "w-36",
    cell: (rollout) => (
      <span title={rollout.reason ?? undefined} className="text-ink-2">
        {rollout.reason ?? "–"}
      </span>
    ),
  },
  { id: "actor", header: "By", width: "w-24", cell: (rollout) => <span className="text-ink-2">{rollout.actor}</span> },
  {
    id: "started",
    header: "Started",
    width: "w-20",
    cell: (rollout) => <TimeAgo at={rollout.startedAt} className="text-ink-2" />,
  },
  {
    id: "took",
    header: "Took",
    width: "w-24",
    align: "right",
    cell: (rollout) => <Elapsed from={rollout.startedAt} to={rollout.finishedAt} />,
  },
];

/** Rollouts as rows; each opens under its address. */
export function RolloutTable({ rollouts, empty }: { rollouts: RolloutView[]; empty?: ReactNode }) {
  const router = useRouter();
  const isNarrow = useNarrow();
  return (
    <DataTable
      label="Rollouts"
      columns={columns}
      rows={rollouts}
      keyOf={(rollout) => rollout.id}
      nameOf={(rollout) => `${rolloutTitle(rollout)} ${rollout.state}`}
      onOpen={(rollout) => router.push(`/rollouts/${rollout.id}`)}
      note={(rollout) => isNarrow && hasFailed(rollout) && <p className="-mt-1 pl-4 text-bad">{rollout.message}</p>}
      empty={empty ?? <Empty title="No rollouts" />}
    />
  );
}
