"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { figureKeys, figureNames } from "#lib/client/incident-view.ts";
import { incidentTrendsQuery } from "#lib/client/incidents.ts";
import { countOf, noFigure } from "#lib/client/numbers.ts";
import { formatDuration } from "#lib/client/time.ts";
import type { FigureSummary, IncidentTrends, TrendRow } from "#lib/domain/incidents/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Select } from "../../../ui/field.tsx";
import { IncidentSeverity } from "../../../ui/incidents/incident-marks.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentCalendar } from "./incident-calendar.tsx";
import { IncidentsHeader } from "./incidents-header.tsx";

const spans: Record<string, string> = { "7": "7 days", "30": "30 days", "90": "90 days", "365": "A year" };

/** How long it took to detect, to take, to mitigate and to resolve; with how many that is, and of how many it is not known. */
export function TrendsPage() {
  const [search, setSearch] = useUrlState();
  const asked = search.get("days") ?? "";
  const days = Object.hasOwn(spans, asked) ? asked : "90";
  const query = useQuery(incidentTrendsQuery(Number(days)));
  return (
    <>
      <IncidentsHeader>
        <Select
          aria-label="Time"
          value={days}
          onChange={({ target }) => setSearch({ days: target.value === "90" ? null : target.value })}
          className="[&_select]:h-7"
        >
          {Object.entries(spans).map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </Select>
      </IncidentsHeader>
      <Answer of={query} what="The trends could not be read" waiting={<TableSkeleton rows={8} columns={6} />}>
        {(trends) => (trends.all.incidents === 0 ? <NoTrends trends={trends} /> : <Trends trends={trends} days={Number(days)} />)}
      </Answer>
    </>
  );
}

const leftOut = ({ drillsLeftOut }: IncidentTrends) =>
  drillsLeftOut === 0 ? "no drills among them" : `${countOf(drillsLeftOut, "drill")} left out`;

const NoTrends = ({ trends }: { trends: IncidentTrends }) => (
  <Empty title="No incidents in this time">
    {trends.drillsLeftOut > 0 ? `${countOf(trends.drillsLeftOut, "drill")} left out. ` : ""}
    How long each took to be detected, taken, mitigated and resolved is counted here.
  </Empty>
);

function Trends({ trends, days }: { trends: IncidentTrends; days: number }) {
  return (
    <>
      <section aria-labelledby="all-figures">
        <SectionHeader
          id="all-figures"
          title="All incidents"
          aside={`${countOf(trends.all.incidents, "incident")}, ${leftOut(trends)}`}
        />
        <dl className="grid border-b sm:grid-cols-2 xl:grid-cols-4">
          {figureKeys.map((key) => (
            <BigFigure key={key} name={figureNames[key]} summary={trends.all.figures[key]} />
          ))}
        </dl>
      </section>
      <IncidentCalendar days={days} />
      <section aria-labelledby="by-severity">
        <SectionHeader id="by-severity" title="By severity" aside={shownWords} />
        <DataTable
          label="By severity"
          columns={[
            {
              id: "severity",
              header: "Severity",
              width: "w-36",
              essential: true,
              cell: ({ severity }) => <IncidentSeverity severity={severity} />,
            },
            ...rowColumns,
          ]}
          rows={trends.bySeverity}
          keyOf={({ severity }) => severity}
          empty={<Empty title="None" />}
        />
      </section>
      <section aria-labelledby="by-service">
        <SectionHeader id="by-service" title="By service" aside="MTBF: time between failures, the downtime taken off" />
        <DataTable
          label="By service"
          columns={[
            {
              id: "service",
              header: "Service",
              width: "w-36",
              essential: true,
              cell: ({ namespace, service }) => (
                <Link href={`/incidents?state=all&service=${namespace}/${service}`} className="name font-medium hover:underline">
                  {service}
                </Link>
              ),
            },
            ...rowColumns,
            {
              id: "downtime",
              header: "Downtime",
              width: "w-28",
              align: "right",
              cell: ({ downtimeSeconds }) => formatDuration(downtimeSeconds * 1000),
            },
            { id: "mtbf", header: "MTBF", width: "w-28", align: "right", essential: true, cell: ({ mtbf }) => duration(mtbf) },
          ]}
          rows={trends.byService}
          keyOf={({ namespace, service }) => `${namespace}/${service}`}
          empty={<Empty title="No incident names a service" />}
        />
      </section>
    </>
  );
}

const shownWords = "median, and after the stroke p90; on hover n, mean and how many are not known";

const duration = (seconds: number | null) => (seconds === null ? noFigure : formatDuration(seconds * 1000));

const rowColumns: Column<TrendRow>[] = [
  { id: "incidents", header: "Incidents", width: "w-20", align: "right", essential: true, cell: ({ incidents }) => incidents },
  ...figureKeys.map(
    (key): Column<TrendRow> => ({
      id: key,
      header: figureNames[key].short,
      align: "right",
      essential: key === "ttr",
      cell: ({ figures }) => <SmallFigure summary={figures[key]} />,
    }),
  ),
];

const hoverWords = ({ n, missing, mean }: FigureSummary) =>
  `n ${n}, mean ${duration(mean)}${missing > 0 ? `, ${missing} not known` : ""}`;

const SmallFigure = ({ summary }: { summary: FigureSummary }) => (
  <span title={hoverWords(summary)}>
    {duration(summary.median)}
    {summary.p90 !== null && <span className="text-ink-3"> / {duration(summary.p90)}</span>}
  </span>
);

function BigFigure({ name, summary }: { name: { short: string; long: string }; summary: FigureSummary }) {
  return (
    <div className="border-b px-4 py-3 sm:border-r xl:border-b-0">
      <dt className="text-xs text-ink-3" title={name.long}>
        <span className="font-medium text-ink-2">{name.short}</span> {name.long.split(":")[0]?.toLowerCase()}
      </dt>
      <dd>
        <span className="text-xl font-semibold tracking-[-0.015em]">{duration(summary.median)}</span>{" "}
        <span className="text-ink-3">median</span>
        <span className="block text-ink-2">
          p90 {duration(summary.p90)}, mean {duration(summary.mean)}
        </span>
        <span className="block text-xs text-ink-3">
          n {summary.n}
          {summary.missing > 0 && `, ${summary.missing} not known and left out`}
        </span>
      </dd>
    </div>
  );
}
