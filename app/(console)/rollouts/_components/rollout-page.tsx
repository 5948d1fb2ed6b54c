"use client";
import { useQuery } from "@tanstack/react-query";
import { serviceQuery } from "#lib/client/fleet.ts";
import { reportOfRollout } from "#lib/client/incident-view.ts";
import { isOver, latestRolloutsQuery, rolloutDetailQuery } from "#lib/client/rollouts.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { ThingAnswer } from "../../../ui/answer.tsx";
import { ReportButton } from "../../../ui/incidents/report-button.tsx";
import { useWatchedService } from "../../../ui/live/live-provider.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { RolloutProgress } from "../../../ui/rollout-progress.tsx";
import { RolloutCommandButtons } from "./rollout-commands.tsx";
import { RolloutHeader, Undo } from "./rollout-header.tsx";
import { StrategyView } from "./strategy-view.tsx";

export function RolloutPage({ id }: { id: string }) {
  const query = useQuery(rolloutDetailQuery(id));
  return (
    <ThingAnswer
      of={query}
      thing="rollout"
      all="/rollouts"
      still="The page shows what was last read; the rollout goes on without it."
    >
      {(rollout) => <LoadedRollout rollout={rollout} />}
    </ThingAnswer>
  );
}

function LoadedRollout({ rollout }: { rollout: RolloutDetail }) {
  const { namespace, service, state } = rollout;
  const newest = useQuery(latestRolloutsQuery({ namespace, service }, 1)).data?.items[0];
  const isNewest = newest === undefined || newest.id === rollout.id;
  const isCarriedOut = rollout.strategy !== null;
  const isUndoable = isNewest && (isCarriedOut ? state === "complete" : true);
  return (
    <>
      <RolloutHeader rollout={rollout}>
        {isCarriedOut && <RolloutCommandButtons rollout={rollout} />}
        {isUndoable && <Undo rollout={rollout} />}
        <ReportButton draft={reportOfRollout(rollout)} />
      </RolloutHeader>
      {isCarriedOut && <StrategyView rollout={rollout} />}
      <Instances rollout={rollout} />
    </>
  );
}

function Instances({ rollout }: { rollout: RolloutDetail }) {
  const service = `${rollout.namespace}/${rollout.service}`;
  useWatchedService(service);
  const page = useQuery(serviceQuery(service));
  return (
    <section aria-labelledby="instances">
      <SectionHeader id="instances" title={isOver(rollout.state) ? "The service now" : "Progress"} />
      <div className="max-w-3xl p-4">
        {page.data ? (
          <RolloutProgress page={page.data} />
        ) : page.error ? (
          <ErrorNotice what={`${service} could not be read`} error={page.error} onRetry={() => page.refetch()} />
        ) : (
          <Skeleton className="h-40" />
        )}
      </div>
    </section>
  );
}
