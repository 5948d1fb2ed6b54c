"use client";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { trackPanelsQuery } from "#lib/client/metrics.ts";
import { isOver } from "#lib/client/rollouts.ts";
import { rangeAround } from "#lib/client/time-range.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { ChartCursor, ChartPageContext } from "../../../ui/chart/cursor.ts";
import { PanelView } from "../../../ui/chart/panel-view.tsx";
import { useNow } from "../../../ui/clock.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useToggled } from "../../../ui/use-toggled.ts";
import { LegendLine } from "./analysis-section.tsx";
import { trackColors } from "./track.ts";

const none: never[] = [];

/** The service's charts with the candidate beside stable, over the time of the rollout. */
export function RolloutCharts({ rollout, asTables }: { rollout: RolloutDetail; asTables: boolean }) {
  const range = useRolloutRange(rollout);
  const service = `${rollout.namespace}/${rollout.service}`;
  const { data, error, errorUpdatedAt, refetch } = useQuery(trackPanelsQuery(service, range));
  const tables = useToggled();
  const [cursor] = useState(() => new ChartCursor());
  const page = useMemo(() => ({ cursor, onZoom: null, onZoomBack: null, isZoomed: false }), [cursor]);
  return (
    <ChartPageContext value={page}>
      <section aria-labelledby="beside-stable">
        <SectionHeader
          id="beside-stable"
          title="Candidate beside stable"
          aside={
            <span className="inline-flex gap-x-3">
              <LegendLine color={trackColors.stable} name="stable" />
              <LegendLine color={trackColors.candidate} name="candidate" />
            </span>
          }
        />
        {error && (
          <ErrorNotice
            className="m-4"
            what="The charts could not be read"
            error={error}
            since={errorUpdatedAt}
            still={data ? "They show what was last read." : "The rollout goes on, and so does its analysis."}
            onRetry={() => refetch()}
          />
        )}
        {!data && !error && <Skeleton className="m-4 h-32" />}
        {data && (
          <div className="grid lg:grid-cols-2">
            {data.panels.map((panel) => (
              <PanelView
                key={panel.id}
                panel={panel}
                from={data.from}
                to={data.to}
                compare={null}
                marks={none}
                spans={none}
                asTable={asTables !== tables.toggled.has(panel.id)}
                onToggleTable={tables.toggle}
              />
            ))}
            {data.panels.length === 0 && <p className="px-4 py-3 text-ink-3">No chart of this kind can show both versions.</p>}
          </div>
        )}
      </section>
    </ChartPageContext>
  );
}

/** The time of a rollout with some room around it; up to now while it goes on. */
function useRolloutRange({ startedAt, finishedAt, state }: RolloutDetail) {
  const now = useNow() ?? Date.now();
  // A range that moved every second would ask for everything anew each time.
  const tenSeconds = Math.floor(now / 10_000) * 10;
  const end = isOver(state) && finishedAt !== null ? Date.parse(finishedAt) / 1000 : null;
  return rangeAround(Date.parse(startedAt) / 1000, end, tenSeconds);
}
