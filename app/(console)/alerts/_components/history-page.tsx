"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Download, Undo2 } from "lucide-react";
import { useEffect, useRef } from "react";
import {
  type HistoryField,
  type HistorySpan,
  type HistoryView,
  historyFilter,
  historySpans,
  historyViewParameters,
  narrows,
  parseHistoryView,
} from "#lib/client/alert-view.ts";
import { alertExportAddress, alertFacetsQuery, alertHistoryQuery } from "#lib/client/alerts.ts";
import { ApiError } from "#lib/client/api.ts";
import { widened } from "#lib/client/density.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { HistorySummary } from "#lib/domain/alerts/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { useNow } from "../../../ui/clock.tsx";
import { Input, Select } from "../../../ui/field.tsx";
import { FilterMenu } from "../../../ui/filter-menu.tsx";
import { Empty, ErrorNotice, Skeleton, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { Severity } from "../../../ui/severity.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AlertsHeader } from "./alerts-header.tsx";
import { DensityLegend, DensityStrip } from "./density-strip.tsx";
import { HistoryTable } from "./history-table.tsx";
import { Talkers } from "./talkers.tsx";

/** Every episode of every alert, with when they came, what came most, and when nobody could know. */
export function AlertHistoryPage() {
  const [search, setSearch] = useUrlState();
  const view = parseHistoryView(search);
  const change = (part: Partial<HistoryView>, push = false) => setSearch(historyViewParameters({ ...view, ...part }), { push });
  const now = useNow();
  const filter = historyFilter(view, now ?? 0);
  const query = useInfiniteQuery({ ...alertHistoryQuery(filter), enabled: now !== null });
  const summary = query.data?.pages[0]?.summary ?? null;
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
  const labelProblem =
    query.error instanceof ApiError && query.error.problem.fields?.labels ? query.error.problem.fields.labels.join(" ") : null;

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
      <Filters view={view} onChange={change} labelProblem={labelProblem} />
      {summary ? (
        <Summary summary={summary} view={view} onChange={(part) => change(part, true)} isOld={query.isPlaceholderData} />
      ) : (
        !query.error && <Skeleton className="mx-4 my-3 h-16" />
      )}
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
                <Empty title="No episode fits these filters in this time">
                  <Button onClick={clear} className="mt-2">
                    Clear the filters
                  </Button>
                </Empty>
              ) : (
                <Empty title={summary?.blindWindows.length ? "Nothing was heard in this time" : "No alert fired in this time"}>
                  {summary?.blindWindows.length
                    ? "In the hatched spans alerts could have come and gone unseen."
                    : "Each alert that fires is kept here from its start to its end. Choose a longer time to see older ones."}
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <MoreBelow of={query} />
    </>
  );
}

function SpanSelect({ view, onChange }: { view: HistoryView; onChange: (part: Partial<HistoryView>) => void }) {
  return (
    <Select
      aria-label="Time"
      value={view.fixed ? "fixed" : view.span}
      onChange={(event) => event.target.value !== "fixed" && onChange({ span: event.target.value as HistorySpan, fixed: null })}
      className="[&_select]:h-7"
    >
      {view.fixed && <option value="fixed">Chosen time</option>}
      {Object.entries(historySpans).map(([value, { label }]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </Select>
  );
}

function Filters({
  view,
  onChange,
  labelProblem,
}: {
  view: HistoryView;
  onChange: (part: Partial<HistoryView>) => void;
  labelProblem: string | null;
}) {
  const facets = useQuery(alertFacetsQuery).data;
  const setList = (field: HistoryField) => (values: string[]) => onChange({ lists: { ...view.lists, [field]: values } });
  const options = (field: HistoryField, known: string[] = []) =>
    [...new Set([...known, ...view.lists[field]])].map((value) => ({ value, label: value }));
  const services = facets?.services.map((each) => each.service);
  const chips: [string, string, Partial<HistoryView>][] = [];
  if (view.fingerprint) chips.push(["fingerprint", view.fingerprint, { fingerprint: null }]);
  if (view.namespace) chips.push(["namespace", view.namespace, { namespace: null }]);
  return (
    <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
      <FilterMenu
        label="Severity"
        options={options("severity", facets?.severities ?? ["critical", "warning", "info"]).map(({ value }) => ({
          value,
          label: <Severity severity={value} />,
        }))}
        selected={view.lists.severity}
        onChange={setList("severity")}
      />
      <FilterMenu
        label="Service"
        options={options("service", services)}
        selected={view.lists.service}
        onChange={setList("service")}
      />
      <FilterMenu label="Name" options={options("name", facets?.names)} selected={view.lists.name} onChange={setList("name")} />
      {((facets?.sources.length ?? 0) > 1 || view.lists.source.length > 0) && (
        <FilterMenu
          label="Source"
          options={options("source", facets?.sources)}
          selected={view.lists.source}
          onChange={setList("source")}
        />
      )}
      <Select
        aria-label="State"
        value={view.state ?? ""}
        onChange={(event) => onChange({ state: (event.target.value || null) as HistoryView["state"] })}
        className="[&_select]:h-7"
      >
        <option value="">Every state</option>
        <option value="firing">Firing</option>
        <option value="resolved">Resolved</option>
      </Select>
      <Select
        aria-label="Acknowledged"
        value={view.acknowledged ?? ""}
        onChange={(event) => onChange({ acknowledged: (event.target.value || null) as HistoryView["acknowledged"] })}
        className="[&_select]:h-7"
      >
        <option value="">Taken or not</option>
        <option value="yes">Acknowledged</option>
        <option value="no">Never acknowledged</option>
      </Select>
      <LabelsField value={view.labels} problem={labelProblem} onChange={(labels) => onChange({ labels })} />
      {chips.map(([name, value, without]) => (
        <Button key={name} size="small" onClick={() => onChange(without)} aria-label={`Remove the filter ${name} ${value}`}>
          {name}: <span className="font-mono">{value}</span> ×
        </Button>
      ))}
    </div>
  );
}

/** Matchers are complete only when they are: they are told on Enter and on leaving the field. */
function LabelsField({ value, problem, onChange }: { value: string; problem: string | null; onChange: (text: string) => void }) {
  const tell = (text: string) => text.trim() !== value && onChange(text.trim());
  return (
    <span className="relative">
      <Input
        key={value}
        aria-label="Labels"
        aria-invalid={problem ? true : undefined}
        title={problem ?? 'Matchers as Alertmanager writes them, by commas; Enter applies them: pod=~"relay-.*",team!="core"'}
        placeholder={'Labels: pod=~"relay-.*"'}
        defaultValue={value}
        onBlur={(event) => tell(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") tell(event.currentTarget.value);
        }}
        className="h-7 w-52 font-mono text-xs"
      />
      {problem && (
        <span
          role="alert"
          className="absolute left-0 top-full z-10 mt-0.5 w-max max-w-80 rounded-md border bg-raised px-2 py-1 text-xs text-bad shadow-float"
        >
          {problem}
        </span>
      )}
    </span>
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
