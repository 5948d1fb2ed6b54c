"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { incidentTrendsQuery, trendDays } from "#lib/client/incident-trends.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { IncidentTrends, ServiceTrend } from "#lib/domain/incidents/trends/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { IncidentSeverity } from "../../../ui/incidents/incident-marks.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { BigFigures, drillsWords, figureColumns, figureWords, mtbfWords, shownWords } from "../../../ui/trends/figures.tsx";
import { IncidentCalendar } from "../../../ui/trends/incident-calendar.tsx";
import { SpanSelect } from "../../../ui/trends/span-select.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentsHeader } from "./incidents-header.tsx";

/** How long it took to detect, to take, to mitigate and to resolve; with how many that is, and of how many it is not known. */
export function TrendsPage() {
  const [search] = useUrlState();
  const days = trendDays(search);
  const query = useQuery(incidentTrendsQuery(Number(days)));
  return (
    <>
      <IncidentsHeader>
        <SpanSelect />
      </IncidentsHeader>
      <Answer of={query} what="The trends could not be read" waiting={<TableSkeleton rows={8} columns={6} />}>
        {(trends) => (trends.all.incidents === 0 ? <NoTrends trends={trends} /> : <Trends trends={trends} days={days} />)}
      </Answer>
    </>
  );
}

const NoTrends = ({ trends }: { trends: IncidentTrends }) => (
  <Empty title="No incidents in this time">
    {trends.drillsLeftOut > 0 ? `${countOf(trends.drillsLeftOut, "drill")} left out. ` : ""}
    How long each took to be detected, taken, mitigated and resolved is counted here.
  </Empty>
);

function Trends({ trends, days }: { trends: IncidentTrends; days: string }) {
  return (
    <>
      <section aria-labelledby="all-figures">
        <SectionHeader
          id="all-figures"
          title="All incidents"
          aside={`${countOf(trends.all.incidents, "incident")}, ${drillsWords(trends.drillsLeftOut)}`}
        />
        <BigFigures figures={trends.all.figures} />
      </section>
      <IncidentCalendar calendar={trends.calendar} days={Number(days)} listHref="/incidents?state=all&drills=without" />
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
            ...figureColumns,
          ]}
          rows={trends.bySeverity}
          keyOf={({ severity }) => severity}
          empty={<Empty title="None" />}
        />
      </section>
      <section aria-labelledby="by-service">
        <SectionHeader id="by-service" title="By service" aside={mtbfWords} />
        <DataTable
          label="By service"
          columns={serviceColumns(days)}
          rows={trends.byService}
          keyOf={({ namespace, service }) => `${namespace}/${service}`}
          empty={<Empty title="No incident names a service" />}
        />
      </section>
    </>
  );
}

const serviceColumns = (days: string): Column<ServiceTrend>[] => [
  {
    id: "service",
    header: "Service",
    width: "w-36",
    essential: true,
    cell: ({ namespace, service }) => (
      <Link
        href={`/fleet/${namespace}/${service}?tab=reliability&days=${days}`}
        title={`${namespace}/${service}`}
        className="name font-medium hover:underline"
      >
        {service}
      </Link>
    ),
  },
  ...figureColumns,
  {
    id: "downtime",
    header: "Downtime",
    width: "w-28",
    align: "right",
    cell: ({ downtimeSeconds }) => formatDuration(downtimeSeconds * 1000),
  },
  {
    id: "mtbf",
    header: "MTBF",
    width: "w-28",
    align: "right",
    essential: true,
    cell: ({ mtbf, failures }) => <span title={countOf(failures, "failure")}>{figureWords(mtbf)}</span>,
  },
];
