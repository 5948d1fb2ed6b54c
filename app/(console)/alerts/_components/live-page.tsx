"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type LiveView, liveFilter, liveViewParameters, parseLiveView } from "#lib/client/alert-view.ts";
import { alertFacetsQuery, liveAlertsQuery } from "#lib/client/alerts.ts";
import { bySeverity } from "#lib/client/density.ts";
import { countOf } from "#lib/client/numbers.ts";
import { type LiveAlerts, type Standing, standings } from "#lib/domain/alerts/schemas.ts";
import { BlindNotice, HeardFrom, isBlind } from "../../../ui/alerts/source-notice.tsx";
import { AlertStanding, standingWord } from "../../../ui/alerts/standing.tsx";
import { Answer } from "../../../ui/answer.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { cn } from "../../../ui/class-names.ts";
import { FilterMenu } from "../../../ui/filter-menu.tsx";
import { Empty, ErrorNotice, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { Severity, SeverityShape, severityColor, severityWord } from "../../../ui/severity.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AlertsHeader } from "./alerts-header.tsx";
import { LiveTable } from "./live-table.tsx";

const groupings: [LiveView["group"], string][] = [
  ["service", "By service"],
  ["name", "By name"],
  ["severity", "By severity"],
];
const openStandings = standings.filter((standing) => standing !== "resolved");

/** What fires now: what is wrong, since when, what changed just before. */
export function LivePage() {
  const [search, setSearch] = useUrlState();
  const view = parseLiveView(search);
  const change = (part: Partial<LiveView>) => setSearch(liveViewParameters({ ...view, ...part }));
  const query = useQuery({ ...liveAlertsQuery(liveFilter(view)), placeholderData: keepPreviousData });
  const facets = useQuery(alertFacetsQuery).data;
  const { data } = query;
  const isFiltered = Boolean(view.search || view.severities.length || view.services.length || view.standings.length);
  const severities = [...new Set(["critical", "warning", "info", ...(facets?.severities ?? [])])].sort(bySeverity);
  const services = [...new Set([...(facets?.services.map((each) => each.service) ?? []), ...view.services])].sort();
  const clear = () => change({ search: "", severities: [], services: [], standings: [] });

  return (
    <>
      <AlertsHeader
        aside={data && <Verdict live={data} />}
        beside={data && data.items.length > 0 && <HeardFrom sources={data.sources} />}
      >
        <SearchField
          label="Filter alerts"
          value={view.search}
          onChange={(text) => change({ search: text })}
          className="max-md:order-last max-md:w-full"
        />
        <FilterMenu
          label="Severity"
          options={severities.map((severity) => ({ value: severity, label: <Severity severity={severity} /> }))}
          selected={view.severities}
          onChange={(chosen) => change({ severities: chosen })}
        />
        <FilterMenu
          label="Standing"
          options={openStandings.map((standing) => ({
            value: standing,
            label: <AlertStanding standing={standing} />,
            count: data?.counts[standing],
          }))}
          selected={view.standings}
          onChange={(chosen) => change({ standings: chosen as Standing[] })}
        />
        <FilterMenu
          label="Service"
          options={services.map((service) => ({ value: service, label: service }))}
          selected={view.services}
          onChange={(chosen) => change({ services: chosen })}
        />
        <Choice label="Group by" value={view.group} options={groupings} onChange={(group) => change({ group })} />
      </AlertsHeader>
      {data && <BlindNotice sources={data.sources} />}
      {query.error && data && (
        <ErrorNotice
          className="m-4"
          what="The alerts could not be read again"
          error={query.error}
          since={query.errorUpdatedAt}
          still="The list shows what was read last."
          onRetry={() => query.refetch()}
        />
      )}
      <Answer
        of={query}
        what="The alerts could not be read"
        still="The fleet and its charts still answer; Alertmanager goes on telling whom it is set up to tell."
        waiting={<TableSkeleton rows={8} columns={6} />}
      >
        {(live) => (
          <>
            <LiveTable
              alerts={live.items}
              group={view.group}
              empty={isFiltered ? <NoneFits thing="firing alert" onClear={clear} /> : <Quiet live={live} />}
            />
            {live.total > live.items.length && (
              <p className="px-4 py-3 text-ink-2">
                The {live.items.length.toLocaleString("en-US")} most urgent of {live.total.toLocaleString("en-US")}. Filter to see
                the others.
              </p>
            )}
          </>
        )}
      </Answer>
    </>
  );
}

/** What the heading says: how many want somebody, and what else fires. */
function Verdict({ live }: { live: LiveAlerts }) {
  const { counts } = live;
  const wanted = Object.entries(live.firingBySeverity).filter(([, count]) => count > 0);
  const others = openStandings.filter((standing) => standing !== "firing" && counts[standing] > 0);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-0.5">
      {wanted
        .sort(([a], [b]) => bySeverity(a, b))
        .map(([severity, count]) => (
          <span key={severity} className={cn("inline-flex items-center gap-1 font-medium", severityColor(severity))}>
            <SeverityShape severity={severity} />
            {count.toLocaleString("en-US")} {severityWord(severity).toLowerCase()}
          </span>
        ))}
      {others.map((standing) => (
        <span key={standing}>
          {counts[standing].toLocaleString("en-US")} {standingWord(standing).toLowerCase()}
        </span>
      ))}
    </span>
  );
}

/** Quiet is told apart from deaf: only a heard source makes an empty list good news. */
function Quiet({ live: { sources } }: { live: LiveAlerts }) {
  const enabled = sources.filter((source) => !source.disabled);
  if (enabled.length === 0) {
    return (
      <Empty title="No Alertmanager sends its alerts here yet">
        Alerts appear once an Alertmanager's webhook points here.{" "}
        <Link href="/settings?section=alert-sources" className="text-accent hover:underline">
          Add a source in the settings
        </Link>
        .
      </Empty>
    );
  }
  if (enabled.some(isBlind)) {
    return (
      <div className="px-4 py-10 text-center">
        <p className="inline-flex items-center gap-2 font-medium text-quiet">
          <StatusShape health="unknown" /> Unknown whether anything fires
        </p>
        <p className="mx-auto mt-1 max-w-md text-ink-3">
          {countOf(enabled.filter(isBlind).length, "source is", "sources are")} not heard, so an empty list proves nothing. Look
          at the services' charts and at Alertmanager itself meanwhile.
        </p>
      </div>
    );
  }
  return (
    <div className="px-4 py-10 text-center">
      <p className="inline-flex items-center gap-2 font-medium text-good">
        <StatusShape health="healthy" /> Nothing fires
      </p>
      <p className="mt-1 flex flex-wrap justify-center gap-x-1.5 text-ink-3">
        <HeardFrom sources={enabled} />
      </p>
      <p className="mt-3">
        <Link href="/alerts/history" className="text-accent hover:underline">
          What fired before
        </Link>
      </p>
    </div>
  );
}
