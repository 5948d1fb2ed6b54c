"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { objectivesQuery, objectiveWords, percent } from "#lib/client/objectives.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { burnAlerts } from "#lib/domain/objectives/burn.ts";
import type { IndicatorState, ServiceObjectives, ShownBurnWindow } from "#lib/domain/objectives/schemas.ts";
import { Button } from "../../ui/button.tsx";
import { TimeAgo } from "../../ui/clock.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../ui/notices.tsx";
import { Budget, Burn, endWords } from "../../ui/objectives/budget.tsx";
import { ObjectiveDialog } from "../../ui/objectives/objective-dialog.tsx";
import { SectionHeader } from "../../ui/page-header.tsx";
import { ServiceLink } from "../../ui/service-table-cells.tsx";

/** The burn rates above which someone is told, by long window. */
const limits = Object.fromEntries(burnAlerts.map(({ long, above }) => [long, above])) as Record<ShownBurnWindow, number>;

type Row = { service: Service; known: ServiceObjectives; indicator: IndicatorState };

/** What the services are held to, how much of each error budget is left, and how fast it goes. */
export function ObjectivesSection({ services }: { services: Service[] }) {
  const { data, error, refetch } = useQuery(objectivesQuery);
  const [editing, setEditing] = useState<string | null>(null);
  const rows = services.flatMap((service): Row[] => {
    const known = data?.services[service.id];
    return known ? known.indicators.map((indicator) => ({ service, known, indicator })) : [];
  });
  const without = services.filter(({ id }) => data && data.services[id]?.objective === null);
  const problems = services.flatMap(({ id }) => data?.services[id]?.problems ?? []);
  return (
    <section aria-labelledby="objectives">
      <SectionHeader
        id="objectives"
        title="Objectives"
        aside={
          data?.at ? (
            <>
              measured <TimeAgo at={data.at} />
            </>
          ) : null
        }
      />
      {data?.problem && <p className="border-b px-4 py-1.5 text-xs text-warn">{data.problem}</p>}
      {problems.map((problem) => (
        <p key={problem} className="border-b px-4 py-1.5 text-xs text-warn">
          {problem}
        </p>
      ))}
      {error && !data ? (
        <ErrorNotice className="m-4" what="The objectives could not be read" error={error} onRetry={() => refetch()} />
      ) : data ? (
        <DataTable
          label="Objectives"
          columns={columns}
          rows={rows}
          keyOf={({ service, indicator }) => `${service.id} ${indicator.kind}`}
          nameOf={({ service, indicator }) => `${service.name} ${indicator.kind}`}
          onOpen={({ service }) => setEditing(service.id)}
          empty={
            <Empty title="No service is held to an objective yet">
              Set one here, or by the annotations switchyard.dev/slo-availability, slo-latency and slo-latency-threshold.
            </Empty>
          }
        />
      ) : (
        <TableSkeleton rows={4} columns={6} />
      )}
      {without.length > 0 && (
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 border-b px-4 py-1.5 text-xs text-ink-3">
          Without an objective of their own (the alert rules hold them to their kind's):
          {without.map(({ id, name }) => (
            <Button key={id} size="small" look="ghost" onClick={() => setEditing(id)} tooltip={`Set objectives of ${name}`}>
              {name}
            </Button>
          ))}
        </p>
      )}
      {editing && data?.services[editing] && (
        <ObjectiveDialog id={editing} known={data.services[editing]} onClose={() => setEditing(null)} />
      )}
    </section>
  );
}

const columns: Column<Row>[] = [
  {
    id: "service",
    header: "Service",
    width: "w-36 max-md:w-auto",
    essential: true,
    cell: ({ service, indicator }) => (
      <>
        <ServiceLink service={service} /> <span className="text-ink-3 md:hidden">{indicator.kind}</span>
      </>
    ),
  },
  {
    id: "objective",
    header: "Objective",
    cell: ({ indicator, known }) => (
      <span title={thresholdNote(indicator)}>
        {objectiveWords(indicator, known.objective?.windowDays ?? 0)}
        {indicator.kind === "availability" && (
          <span className="text-ink-3">
            {indicator.seenBy === "prober" ? ", as the prober sees it" : ", by its own counters"}
          </span>
        )}
      </span>
    ),
  },
  {
    id: "ratio",
    header: "Measured",
    width: "w-24",
    align: "right",
    cell: ({ indicator: { ratio, requests } }) => (
      <span title={requests === null ? undefined : `${Math.round(requests).toLocaleString("en-US")} requests`}>
        {ratio === null ? <span className="text-ink-3">–</span> : percent(Math.floor(ratio * 1e5) / 1e5)}
      </span>
    ),
  },
  {
    id: "budget",
    header: "Error budget",
    width: "w-40 max-md:w-36",
    essential: true,
    cell: ({ indicator }) => <Budget indicator={indicator} />,
  },
  ...(["1h", "6h", "3d"] as const).map(
    (window): Column<Row> => ({
      id: window,
      header: `Burn ${window}`,
      width: "w-20",
      align: "right",
      essential: window === "1h",
      cell: ({ indicator }) => <Burn rate={indicator.burn[window]} limit={limits[window]} />,
    }),
  ),
  {
    id: "end",
    header: "Budget gone",
    width: "w-40",
    cell: ({ indicator: { exhaustedInSeconds } }) => (
      <span className="text-ink-2">
        {exhaustedInSeconds === null ? "lasts" : endWords(exhaustedInSeconds).replace(/ at the rate.*/, "")}
      </span>
    ),
  },
];

function thresholdNote({ threshold }: IndicatorState): string | undefined {
  if (!threshold || threshold.countedSeconds === threshold.wantedSeconds) return undefined;
  return `Counted at ${threshold.countedSeconds * 1000} ms, the histogram's bound below it.`;
}
