"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { historySpans } from "#lib/client/alert-view.ts";
import { alertHistoryQuery, alertSummaryQuery, liveAlertsQuery } from "#lib/client/alerts.ts";
import { countOf } from "#lib/client/numbers.ts";
import { spanOf, type TimeRange, zoomedTo } from "#lib/client/time-range.ts";
import type { HistoryInput } from "#lib/domain/alerts/schemas.ts";
import { BlindNotice, HeardFrom, isBlind } from "../../../ui/alerts/source-notice.tsx";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { TimeRangeBar } from "../../../ui/chart/time-range-bar.tsx";
import { useNow } from "../../../ui/clock.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { DensityLegend, DensitySkeleton, DensityStrip } from "./density-strip.tsx";
import { HistoryTable } from "./history-table.tsx";
import { LiveTable } from "./live-table.tsx";

/** What fires for one service, and what fired in the time that its page looks at. */
export function ServiceAlerts({ id, range, onRange }: { id: string; range: TimeRange; onRange: (range: TimeRange) => void }) {
  const [namespace = "", service = ""] = id.split("/");
  const live = useQuery(liveAlertsQuery({ namespace, service }));
  const now = useNow();
  const filter = { namespace, service, ...timesOf(range, now ?? 0) };
  const history = useInfiniteQuery({ ...alertHistoryQuery(filter), enabled: now !== null });
  const summary = useQuery({ ...alertSummaryQuery(filter), enabled: now !== null }).data;
  const rows = history.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {live.data && <BlindNotice sources={live.data.sources} />}
      <SectionHeader
        title="Fires now"
        aside={live.data && live.data.items.length > 0 ? <HeardFrom sources={live.data.sources} /> : null}
      />
      <Answer of={live} what="The alerts could not be read" waiting={<TableSkeleton rows={2} columns={5} />}>
        {({ items, sources }) => (
          <LiveTable
            alerts={items}
            group="severity"
            without={["service"]}
            empty={
              sources.some(isBlind) || sources.every((source) => source.disabled) ? (
                <Empty title="Unknown whether anything fires" className="py-6">
                  {sources.length === 0 ? "No Alertmanager sends its alerts here yet." : "No source that would tell is heard."}
                </Empty>
              ) : (
                <Empty title={`Nothing fires for ${service}`} className="py-6">
                  <span className="flex flex-wrap justify-center gap-x-1.5">
                    <HeardFrom sources={sources} />
                  </span>
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <SectionHeader title="In this time" aside={summary ? countOf(summary.total, "episode") : null}>
        <Link
          href={`/alerts/history?${new URLSearchParams({ namespace, service, span: "7d" })}`}
          className="text-xs text-ink-2 hover:text-ink hover:underline"
        >
          {historySpans["7d"].label} in the history
        </Link>
      </SectionHeader>
      <div className="flex min-h-10 flex-wrap items-center gap-x-4 gap-y-1.5 border-b px-4 py-1.5">
        <TimeRangeBar range={range} onRange={onRange} />
        {summary && <DensityLegend buckets={summary.density.buckets} />}
      </div>
      <div className="border-b">
        {summary ? (
          <DensityStrip
            from={Date.parse(summary.density.from)}
            to={Date.parse(summary.density.to)}
            stepSeconds={summary.density.stepSeconds}
            buckets={summary.density.buckets}
            onZoom={(span) => onRange(zoomedTo(span.from / 1000, span.to / 1000, Date.now() / 1000))}
          />
        ) : (
          <DensitySkeleton />
        )}
      </div>
      <Answer
        of={history}
        what="The history could not be read"
        still="What fires now is listed above."
        waiting={<TableSkeleton rows={4} columns={6} />}
      >
        {() => (
          <HistoryTable
            rows={rows}
            without={["service"]}
            isOld={history.isPlaceholderData}
            empty={<Empty title="No alert of this service fired in this time">Choose a longer time to see older ones.</Empty>}
          />
        )}
      </Answer>
      <OlderOnes of={history} />
    </>
  );
}

/** A live range from a whole minute on, so that the same question is asked again. */
function timesOf(range: TimeRange, now: number): Pick<HistoryInput, "from" | "to"> {
  const { from, to } = spanOf(range, Math.floor(now / 60_000) * 60);
  return { from: String(from), ...(range.kind === "fixed" ? { to: String(to) } : {}) };
}
