"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { actorWords, verbName } from "#lib/client/action-texts.ts";
import { sentenceOf, toldOnce } from "#lib/client/alert-view.ts";
import { sumSeries } from "#lib/client/chart.ts";
import { bySeverity } from "#lib/client/density.ts";
import { healthOrder, readinessOf } from "#lib/client/fleet-view.ts";
import { latestChangesQuery } from "#lib/client/ledger.ts";
import { panelsQuery } from "#lib/client/metrics.ts";
import { objectivesQuery, worstIndicator } from "#lib/client/objectives.ts";
import type { LiveAlert } from "#lib/domain/alerts/schemas.ts";
import type { Feed, Service, ServiceFigures } from "#lib/domain/fleet/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import { alarmLimits, isAlarm } from "#lib/domain/metrics/templates.ts";
import { SuspectLine } from "../../ui/alerts/suspect-line.tsx";
import { Sparkline } from "../../ui/chart/sparkline.tsx";
import { Elapsed, TimeAgo } from "../../ui/clock.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Figure, ReadyBar, Tint } from "../../ui/figure.tsx";
import { NoServices } from "../../ui/no-services.tsx";
import { Budget } from "../../ui/objectives/budget.tsx";
import { ServiceLink } from "../../ui/service-table-cells.tsx";
import { SeverityShape, severityWord } from "../../ui/severity.tsx";
import { healthWord, OutcomeShape, Status } from "../../ui/status.tsx";

const mostSparklines = 12;
const mostAlarms = 4;

/** What fires comes first, the worst severity before the others. */
function byAlarm(a: LiveAlert | undefined, b: LiveAlert | undefined): number {
  if (a && b) return bySeverity(a.severity, b.severity);
  return Number(Boolean(b)) - Number(Boolean(a));
}

/** The services, worst first: what is wrong, how it runs, what changed last. */
export function OverviewServices({
  services,
  alerts,
  figures,
  feeds,
}: {
  services: Service[];
  /** What fires of each service and nobody has taken, the most urgent first. */
  alerts: Map<string, LiveAlert[]>;
  figures: Record<string, ServiceFigures>;
  feeds: Feed[];
}) {
  const router = useRouter();
  const changes = useQuery(latestChangesQuery).data?.changes ?? {};
  const objectives = useQuery(objectivesQuery).data?.services ?? {};
  const rows = [...services].sort(
    (a, b) =>
      healthOrder[a.health] - healthOrder[b.health] ||
      byAlarm(alerts.get(a.id)?.[0], alerts.get(b.id)?.[0]) ||
      a.id.localeCompare(b.id),
  );
  const withSparkline = rows.length <= mostSparklines;
  const columns: Column<Service>[] = [
    {
      id: "status",
      header: "Status",
      width: "w-32",
      essential: true,
      cell: (service) => (
        <Tint value={service.health}>
          <Status health={service.health} reason={service.healthReason} />
        </Tint>
      ),
    },
    {
      id: "name",
      header: "Service",
      width: "w-36 max-md:w-auto",
      essential: true,
      cell: (service) => <ServiceLink service={service} />,
    },
    {
      id: "ready",
      header: "Ready",
      width: "w-28 max-md:w-26",
      essential: true,
      cell: (service) => <ReadyBar {...readinessOf(service)} />,
    },
    ...(withSparkline
      ? [{ id: "hour", header: "Last hour", width: "w-32", cell: (service: Service) => <HourLine id={service.id} /> }]
      : []),
    {
      id: "rate",
      header: "Rate",
      width: "w-20",
      align: "right",
      cell: (service) => <Figure value={figures[service.id]?.requestsPerSecond} unit="per-second" />,
    },
    {
      id: "errors",
      header: "Errors",
      width: "w-20",
      align: "right",
      cell: (service) => (
        <Figure
          value={figures[service.id]?.errorRatio}
          unit="ratio"
          alarm={isAlarm(figures[service.id]?.errorRatio, alarmLimits(service.kind).errorRatio)}
        />
      ),
    },
    {
      id: "p95",
      header: "p95",
      width: "w-20",
      align: "right",
      cell: (service) => (
        <Figure
          value={figures[service.id]?.latencyP95Seconds}
          unit="seconds"
          alarm={isAlarm(figures[service.id]?.latencyP95Seconds, alarmLimits(service.kind).latencyP95Seconds)}
        />
      ),
    },
    {
      id: "budget",
      header: "Error budget",
      width: "w-40",
      cell: (service) => {
        const worst = worstIndicator(objectives[service.id]?.indicators ?? []);
        return worst ? <Budget indicator={worst} /> : <span className="text-ink-3">–</span>;
      },
    },
    {
      id: "version",
      header: "Version",
      width: "w-24",
      cell: (service) => <span className="font-mono text-xs">{service.version}</span>,
    },
    {
      id: "last",
      header: "Last change",
      cell: (service) => <LastChange last={changes[service.id]} />,
    },
  ];
  return (
    <DataTable
      label="Services"
      columns={columns}
      rows={rows}
      keyOf={(service) => service.id}
      nameOf={(service) => `${service.name} ${healthWord(service.health)}`}
      onOpen={(service) => router.push(`/fleet/${service.id}`)}
      note={(service) =>
        (service.health !== "healthy" || alerts.has(service.id)) && (
          <div className="-mt-1 grid gap-0.5 pl-4 md:pl-[7.5rem]">
            {service.health !== "healthy" && <p className="text-ink-2">{service.healthReason}</p>}
            <ServiceAlarms alerts={alerts.get(service.id) ?? []} />
          </div>
        )
      }
      empty={<NoServices feeds={feeds} />}
    />
  );
}

/** What fires of a service, each since when, and what was changed just before the most urgent that has a suspect. */
function ServiceAlarms({ alerts }: { alerts: LiveAlert[] }) {
  const told = toldOnce(alerts);
  const suspect = alerts.find((alert) => alert.suspect)?.suspect;
  return (
    <>
      {told.length > 0 && (
        <p className="flex flex-wrap items-center gap-x-4 gap-y-0.5 text-xs">
          {told.slice(0, mostAlarms).map(({ alert, count }) => (
            <Link
              key={alert.id}
              href={`/alerts/${alert.id}`}
              tabIndex={-1}
              title={sentenceOf(alert)}
              className="inline-flex min-w-0 items-center gap-1.5 hover:underline"
            >
              <SeverityShape severity={alert.severity} />
              <span className="sr-only">{severityWord(alert.severity)}</span>
              <span className="name truncate font-medium">{alert.name}</span>
              <span className="shrink-0 text-ink-3">
                {count > 1 && `${count}× `}
                <Elapsed from={alert.startsAt} to={null} />
              </span>
            </Link>
          ))}
          {told.length > mostAlarms && <span className="text-ink-3">and {told.length - mostAlarms} more</span>}
        </p>
      )}
      {suspect && <SuspectLine suspect={suspect} />}
    </>
  );
}

function LastChange({ last }: { last: LedgerMark | undefined }) {
  if (!last) return <span className="text-ink-3">–</span>;
  return (
    <Link
      href={last.rolloutId ? `/rollouts/${last.rolloutId}` : `/audit?entry=${last.id}`}
      tabIndex={-1}
      title={last.reason ?? undefined}
      className="inline-flex max-w-full items-center gap-1.5 align-middle text-ink-2 hover:text-ink hover:underline"
    >
      <OutcomeShape outcome={last.rolloutState ?? last.outcome} />
      <span className="truncate">
        {verbName(last.verb)} {last.title} <span className="text-ink-3">by {actorWords(last)}</span>
      </span>
      <TimeAgo at={last.at} className="shrink-0 text-ink-3" />
    </Link>
  );
}

function HourLine({ id }: { id: string }) {
  const { data } = useQuery({ ...panelsQuery(id, { kind: "live", range: "1h" }, null, "rate"), refetchInterval: 30_000 });
  const panel = data?.panels[0];
  const series = panel && (panel.style === "stacked" ? { name: "in all", points: sumSeries(panel.series) } : panel.series[0]);
  if (!data || !panel || !series) return null;
  return (
    <span title={`${panel.title}, ${series.name}, in the last hour`} className="block">
      <Sparkline series={series} from={data.from} to={data.to} />
    </span>
  );
}
