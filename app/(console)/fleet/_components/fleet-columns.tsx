"use client";
import { type FleetColumn, readinessOf } from "#lib/client/fleet-view.ts";
import type { Service, ServiceFigures } from "#lib/domain/fleet/schemas.ts";
import { alarmLimits, isAlarm } from "#lib/domain/metrics/templates.ts";
import { Age } from "../../../ui/clock.tsx";
import type { Column } from "../../../ui/data-table.tsx";
import { Figure, ReadyBar, Tint } from "../../../ui/figure.tsx";
import { ServiceLink } from "../../../ui/service-table-cells.tsx";
import { Status } from "../../../ui/status.tsx";

export const columnTitles: Record<FleetColumn, string> = {
  status: "Status",
  name: "Name",
  kind: "Kind",
  namespace: "Namespace",
  ready: "Ready",
  version: "Version",
  revision: "Revision",
  restarts: "Restarts",
  errors: "Errors",
  p95: "p95",
  rate: "Rate",
  age: "Age",
};

/** The fleet's columns, cells and all. */
export function fleetTableColumns(figures: Record<string, ServiceFigures>): (Column<Service> & { id: FleetColumn })[] {
  const column = (id: FleetColumn, rest: Omit<Column<Service>, "id" | "header">) => ({ id, header: columnTitles[id], ...rest });
  return [
    column("status", {
      width: "w-30 max-md:w-32",
      essential: true,
      cell: (service) => (
        <Tint value={service.health}>
          <Status health={service.health} reason={service.healthReason} />
        </Tint>
      ),
    }),
    column("name", { essential: true, cell: (service) => <ServiceLink service={service} /> }),
    column("kind", { width: "w-24", cell: (service) => <span className="text-ink-2">{service.kind}</span> }),
    column("namespace", { width: "w-28", cell: (service) => <span className="name text-ink-2">{service.namespace}</span> }),
    column("ready", {
      width: "w-28 max-md:w-26",
      essential: true,
      cell: (service) => <ReadyBar {...readinessOf(service)} />,
    }),
    column("version", {
      width: "w-28",
      cell: (service) => (
        <Tint value={`${service.version} ${service.candidate?.version}`}>
          <span className="font-mono text-xs" title={service.image}>
            {service.version}
            {service.candidate && <span className="text-ink-3"> → {service.candidate.version}</span>}
          </span>
        </Tint>
      ),
    }),
    column("revision", {
      width: "w-20",
      align: "right",
      cell: (service) => <Tint value={service.revision}>{service.revision ?? "–"}</Tint>,
    }),
    column("restarts", {
      width: "w-20",
      align: "right",
      cell: (service) => (
        <Tint value={service.restarts}>
          <span className={service.restarts === 0 ? "text-ink-3" : "text-ink"}>{service.restarts}</span>
        </Tint>
      ),
    }),
    column("errors", {
      width: "w-20",
      align: "right",
      cell: (service) => {
        const value = figures[service.id]?.errorRatio;
        return <Figure value={value} unit="ratio" alarm={isAlarm(value, alarmLimits(service.kind).errorRatio)} />;
      },
    }),
    column("p95", {
      width: "w-20",
      align: "right",
      cell: (service) => {
        const value = figures[service.id]?.latencyP95Seconds;
        return <Figure value={value} unit="seconds" alarm={isAlarm(value, alarmLimits(service.kind).latencyP95Seconds)} />;
      },
    }),
    column("rate", {
      width: "w-22",
      align: "right",
      cell: (service) => <Figure value={figures[service.id]?.requestsPerSecond} unit="per-second" />,
    }),
    column("age", { width: "w-16", align: "right", cell: (service) => <Age since={service.createdAt} className="text-ink-2" /> }),
  ];
}
