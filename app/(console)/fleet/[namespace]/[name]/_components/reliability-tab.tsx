"use client";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import type { HistorySpan } from "#lib/client/alert-view.ts";
import { reliabilityQuery, trendDays } from "#lib/client/incident-trends.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { TopTalker } from "#lib/domain/alerts/schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { ServiceReliability, ServiceTrend } from "#lib/domain/incidents/trends/schemas.ts";
import { Answer } from "../../../../../ui/answer.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../../ui/data-table.tsx";
import { Empty, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { SeverityShape } from "../../../../../ui/severity.tsx";
import { BigFigures, drillsWords, figureWords } from "../../../../../ui/trends/figures.tsx";
import { IncidentCalendar } from "../../../../../ui/trends/incident-calendar.tsx";
import { SpanSelect } from "../../../../../ui/trends/span-select.tsx";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { ObjectivesSection } from "../../../../_overview/objectives-section.tsx";
import { ItemTable } from "../../../../action-items/_components/item-table.tsx";
import { IncidentTable } from "../../../../incidents/_components/incident-table.tsx";

/** What a service is held to, how often and for how long it failed, what fires most, and what is still to be done about it. */
export function ReliabilityTab({ id, service }: { id: string; service: Service | undefined }) {
  const [search] = useUrlState();
  const days = trendDays(search);
  const query = useQuery(reliabilityQuery(id, Number(days)));
  return (
    <>
      {service && <ObjectivesSection services={[service]} />}
      <SectionHeader title="Incidents and downtime" aside={query.data && periodWords(query.data)}>
        <SpanSelect />
      </SectionHeader>
      <Answer of={query} what="The reliability could not be read" waiting={<TableSkeleton rows={8} columns={6} />}>
        {(answer) => <Reliability id={id} days={days} answer={answer} />}
      </Answer>
    </>
  );
}

const periodWords = ({ trend, drillsLeftOut }: ServiceReliability) =>
  `${countOf(trend.incidents, "incident")}, ${drillsWords(drillsLeftOut)}`;

function Reliability({ id, days, answer }: { id: string; days: string; answer: ServiceReliability }) {
  const { trend, incidents, worstAlerts, openItems } = answer;
  const listHref = `/incidents?state=all&service=${id}`;
  return (
    <>
      <Failures trend={trend} answer={answer} />
      {trend.incidents > 0 && <BigFigures figures={trend.figures} />}
      <IncidentCalendar calendar={answer.calendar} days={Number(days)} listHref={listHref} />
      <section aria-label="Incidents in this time">
        <SectionHeader title="Incidents" aside={incidents.length > 0 ? "the newest first, drills among them" : null} />
        <IncidentTable incidents={incidents} empty={<Empty title="No incidents in this time" className="py-6" />} />
      </section>
      <section aria-label="Worst alerts">
        <SectionHeader title="Worst alerts" aside="those that came most often in this time" />
        <WorstAlerts id={id} days={Number(days)} alerts={worstAlerts} />
      </section>
      <section aria-label="Open action items">
        <SectionHeader title="Open action items" aside="of all its incidents, the first due first" />
        <ItemTable items={openItems} withIncident empty={<Empty title="Nothing is left to do" className="py-6" />} />
      </section>
    </>
  );
}

/** How far apart its failures were, and what they cost. */
function Failures({ trend, answer: { from, to } }: { trend: ServiceTrend; answer: ServiceReliability }) {
  const { observedFrom, failures, downtimeSeconds, mtbf } = trend;
  const observedMs = Date.parse(to) - Date.parse(observedFrom);
  const isYoung = observedFrom !== from;
  const facts: { name: string; about: string; value: string; note: string }[] = [
    {
      name: "MTBF",
      about: "Mean time between failures: the time without downtime, by the failures that began in it",
      value: figureWords(mtbf),
      note: failures === 0 ? "no failure in this time" : `of ${countOf(failures, "failure")}`,
    },
    { name: "Failures", about: "Incidents of severity P1 or P2", value: String(failures), note: "P1 and P2" },
    {
      name: "Downtime",
      about: "From the start of the impact of a P1 or P2 until it is mitigated, else resolved; what overlaps counts once",
      value: formatDuration(downtimeSeconds * 1000),
      note: observedMs > 0 ? `${share(downtimeSeconds * 1000, observedMs)} of the time` : "",
    },
    {
      name: "Looked at",
      about: "The time that counts: from its beginning on, if the service is younger than the days that were asked for",
      value: formatDuration(observedMs),
      note: isYoung ? "since the service is there" : "all of the time",
    },
  ];
  return (
    <dl className="grid grid-cols-2 border-b xl:grid-cols-4">
      {facts.map(({ name, about, value, note }) => (
        <div key={name} className="border-r border-b px-4 py-3 xl:border-b-0">
          <dt className="text-xs font-medium text-ink-2" title={about}>
            {name}
          </dt>
          <dd>
            <span className="text-xl font-semibold tracking-[-0.015em]">{value}</span>
            <span className="block text-xs text-ink-3">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function share(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  return `${percent === 0 ? "0" : percent < 0.01 ? "< 0.01" : percent.toFixed(2)} %`;
}

const alertColumns: Column<TopTalker>[] = [
  {
    id: "name",
    header: "Alert",
    essential: true,
    cell: ({ name, severity }) => (
      <span className="flex min-w-0 items-center gap-1.5" title={`${name}, ${severity}`}>
        <SeverityShape severity={severity} />
        <span className="name truncate">{name}</span>
      </span>
    ),
  },
  { id: "episodes", header: "Times", width: "w-20", align: "right", essential: true, cell: ({ episodes }) => episodes },
  {
    id: "fired",
    header: "Fired for",
    width: "w-28",
    align: "right",
    essential: true,
    cell: ({ firingSeconds }) => formatDuration(firingSeconds * 1000),
  },
  {
    id: "last",
    header: "Last",
    width: "w-28",
    align: "right",
    cell: ({ lastStartsAt }) => <TimeAgo at={lastStartsAt} className="text-ink-2" />,
  },
];

function WorstAlerts({ id, days, alerts }: { id: string; days: number; alerts: TopTalker[] }) {
  const router = useRouter();
  const [namespace = "", service = ""] = id.split("/");
  const span: HistorySpan = days <= 7 ? "7d" : days <= 30 ? "30d" : "365d";
  return (
    <DataTable
      label="Worst alerts"
      columns={alertColumns}
      rows={alerts}
      keyOf={({ name, severity }) => `${name} ${severity}`}
      nameOf={({ name }) => name}
      onOpen={({ name }) => router.push(`/alerts/history?${new URLSearchParams({ namespace, service, name, span })}`)}
      empty={<Empty title="Nothing fired in this time" className="py-6" />}
    />
  );
}
