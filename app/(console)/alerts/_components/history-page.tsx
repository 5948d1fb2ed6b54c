"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Download, Undo2 } from "lucide-react";
import { useEffect, useRef } from "react";
import {
  type HistoryView,
  historyFilter,
  historySpans,
  historyViewParameters,
  narrows,
  parseHistoryView,
} from "#lib/client/alert-view.ts";
import { alertExportAddress, alertHistoryQuery, alertSummaryQuery } from "#lib/client/alerts.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { widened } from "#lib/client/density.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { HistorySummary } from "#lib/domain/alerts/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { useNow } from "../../../ui/clock.tsx";
import { Empty, ErrorNotice, NoneFits, Skeleton, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AlertsHeader } from "./alerts-header.tsx";
import { DensityLegend, DensitySkeleton, DensityStrip } from "./density-strip.tsx";
import { HistoryFilters, SpanSelect } from "./history-filters.tsx";
import { HistoryTable } from "./history-table.tsx";
import { Talkers, TalkersSkeleton } from "./talkers.tsx";

/** Every episode of every alert, with when they came, what came most, and when nobody could know. */
export function AlertHistoryPage() {
  const [search, setSearch] = useUrlState();
  const view = parseHistoryView(search);
  const change = (part: Partial<HistoryView>, push = false) => setSearch(historyViewParameters({ ...view, ...part }), { push });
  const now = useNow();
  const filter = historyFilter(view, now ?? 0);
  const query = useInfiniteQuery({ ...alertHistoryQuery(filter), enabled: now !== null });
  const summaryQuery = useQuery({ ...alertSummaryQuery(filter), enabled: now !== null });
  const summary = summaryQuery.data;
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const clear = () =>
    change({
      search: "",
      lists: { source: [], severity: [], name: [], service: [] },
      namespace: null,
      labels: "",
      state: null,
      acknowledged: null,
      fingerprint: null,
    });
  const labelProblem = fieldsOf(query.error)?.labels?.join(" ") ?? null;

  return (
    <>
      <AlertsHeader aside={summary ? countOf(summary.total, "episode") : null}>
        <SearchField
          label="Search the history"
          value={view.search}
          delayMs={250}
          onChange={(text) => change({ search: text })}
          className="max-md:order-last max-md:w-full"
        />
        <SpanSelect view={view} onChange={(part) => change(part, true)} />
        <a href={alertExportAddress(filter)} download className={buttonLook()} title="All that the filters find, as CSV">
          <Download aria-hidden="true" /> CSV
        </a>
      </AlertsHeader>
      <HistoryFilters view={view} onChange={change} labelProblem={labelProblem} />
      {summary ? (
        <Summary summary={summary} view={view} onChange={(part) => change(part, true)} isOld={summaryQuery.isPlaceholderData} />
      ) : labelProblem ? null : summaryQuery.error ? (
        <ErrorNotice
          className="m-4"
          what="How many came when could not be counted"
          error={summaryQuery.error}
          since={summaryQuery.errorUpdatedAt}
          onRetry={() => summaryQuery.refetch()}
        />
      ) : (
        <section aria-label="Over time" aria-busy="true">
          <div className="flex min-h-8 items-center px-4 pt-2">
            <Skeleton className="h-3 w-72" />
          </div>
          <DensitySkeleton />
          <TalkersSkeleton />
        </section>
      )}
      {labelProblem ? (
        <Empty title="The conditions on labels cannot be read">{labelProblem}</Empty>
      ) : (
        <>
          {query.error && query.data && (
            <ErrorNotice
              className="m-4"
              what="The history could not be read with these filters"
              error={query.error}
              since={query.errorUpdatedAt}
              still="The list shows what was read last."
              onRetry={() => query.refetch()}
            />
          )}
          <Answer
            of={query}
            what="The history could not be read"
            still="The live alerts still answer."
            waiting={<TableSkeleton rows={12} columns={6} />}
          >
            {() => (
              <HistoryTable
                rows={rows}
                isOld={query.isPlaceholderData}
                empty={
                  narrows(view) ? (
                    <NoneFits thing="episode" within="in this time" onClear={clear} />
                  ) : (
                    <Empty
                      title={summary?.blindWindows.length ? "Nothing was heard in this time" : "No alert fired in this time"}
                    >
                      {summary?.blindWindows.length
                        ? "In the hatched spans alerts could have come and gone unseen."
                        : "Each alert that fires is kept here from its start to its end. Choose a longer time to see older ones."}
                    </Empty>
                  )
                }
              />
            )}
          </Answer>
        </>
      )}
      <MoreBelow of={query} />
    </>
  );
}

function Summary({
  summary: { density, topTalkers, flapping, blindWindows },
  view,
  onChange,
  isOld,
}: {
  summary: HistorySummary;
  view: HistoryView;
  onChange: (part: Partial<HistoryView>) => void;
  isOld: boolean;
}) {
  const [from, to] = [Date.parse(density.from), Date.parse(density.to)];
  const zoom = (span: { from: number; to: number }) =>
    onChange({ fixed: { from: Math.floor(span.from / 1000), to: Math.ceil(span.to / 1000) } });
  return (
    <section aria-label="Over time" className={isOld ? "opacity-60" : undefined}>
      <div className="flex min-h-8 flex-wrap items-center gap-x-4 gap-y-1 px-4 pt-2 text-xs text-ink-2">
        <span>
          <Absolute at={from} /> – <Absolute at={to} />
        </span>
        <DensityLegend buckets={density.buckets} />
        {view.fixed && (
          <span className="ml-auto flex gap-1.5">
            <Button size="small" look="ghost" onClick={() => zoom(widened({ from, to }, Date.now()))}>
              Zoom out
            </Button>
            <Button size="small" look="ghost" onClick={() => onChange({ fixed: null })}>
              <Undo2 aria-hidden="true" /> {historySpans[view.span].label}
            </Button>
          </span>
        )}
      </div>
      <DensityStrip from={from} to={to} stepSeconds={density.stepSeconds} buckets={density.buckets} onZoom={zoom} />
      <Talkers
        topTalkers={topTalkers}
        flapping={flapping}
        blindWindows={blindWindows}
        onName={(name) => onChange({ lists: { ...view.lists, name: [name] } })}
      />
    </section>
  );
}

const Absolute = ({ at }: { at: number }) => (useNow() === null ? null : formatAbsolute(at));

type Pages = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };

/** Reads the next page when the reader comes near the end, and offers a button to those who do not scroll. */
function MoreBelow({ of: { hasNextPage, isFetchingNextPage, fetchNextPage } }: { of: Pages }) {
  const end = useRef<HTMLDivElement>(null);
  const fetchNext = useRef(fetchNextPage);
  fetchNext.current = fetchNextPage;
  useEffect(() => {
    const element = end.current;
    if (!element || !hasNextPage || isFetchingNextPage) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && fetchNext.current(), {
      root: element.closest("[data-scroller]"),
      rootMargin: "600px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage]);
  if (!hasNextPage) return null;
  return (
    <div ref={end} className="p-4 text-center">
      <Button busy={isFetchingNextPage} onClick={() => fetchNextPage()}>
        Show older ones
      </Button>
    </div>
  );
}
