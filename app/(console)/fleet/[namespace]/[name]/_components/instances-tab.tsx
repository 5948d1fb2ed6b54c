"use client";
import { useState } from "react";
import { compareValues, healthOrder } from "#lib/client/fleet-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { Instance, InstanceFigures } from "#lib/domain/fleet/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { Age, TimeAgo } from "../../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../../ui/data-table.tsx";
import { Figure, Tint } from "../../../../../ui/figure.tsx";
import { Identifier } from "../../../../../ui/identifier.tsx";
import { InstanceStatus, instanceHealth, TrackMark } from "../../../../../ui/instance-status.tsx";
import { Empty } from "../../../../../ui/notices.tsx";
import { SearchField } from "../../../../../ui/search-field.tsx";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { HostsStrip } from "./hosts-strip.tsx";

type Figures = Record<string, InstanceFigures>;

const sortValues: Record<string, (instance: Instance, figures: Figures) => string | number | null> = {
  name: (instance) => instance.name,
  status: (instance) => healthOrder[instanceHealth(instance)],
  node: (instance) => instance.node,
  address: (instance) => instance.address,
  restarts: (instance) => instance.restarts,
  version: (instance) => instance.version,
  uptime: (instance) => (instance.startedAt ? -Date.parse(instance.startedAt) : null),
  cpu: (instance, figures) => figures[instance.name]?.cpuCores ?? null,
  memory: (instance, figures) => figures[instance.name]?.memoryBytes ?? null,
};

function columnsOf(figures: Figures): Column<Instance>[] {
  return [
    {
      id: "name",
      header: "Name",
      essential: true,
      cell: (instance) => (
        <span className="flex min-w-0 items-center gap-2">
          <Identifier name={instance.name} />
          <TrackMark instance={instance} />
        </span>
      ),
    },
    {
      id: "status",
      header: "Status",
      width: "w-44 max-md:w-36",
      essential: true,
      cell: (instance) => (
        <Tint value={`${instance.status} ${instance.ready} ${instance.deleting}`}>
          <InstanceStatus instance={instance} />
        </Tint>
      ),
    },
    { id: "node", header: "Node", width: "w-24", cell: (instance) => <span className="text-ink-2">{instance.node ?? "–"}</span> },
    {
      id: "address",
      header: "Address",
      width: "w-28",
      cell: (instance) => <span className="font-mono text-xs text-ink-2">{instance.address ?? "–"}</span>,
    },
    {
      id: "restarts",
      header: "Restarts",
      width: "w-48 max-md:w-16",
      essential: true,
      cell: (instance) => <Restarts instance={instance} />,
    },
    {
      id: "version",
      header: "Version",
      width: "w-28",
      cell: (instance) => (
        <span className="font-mono text-xs" title={instance.image}>
          {instance.version}
        </span>
      ),
    },
    {
      id: "uptime",
      header: "Uptime",
      width: "w-20",
      align: "right",
      cell: (instance) => (instance.startedAt ? <Age since={instance.startedAt} className="text-ink-2" /> : "–"),
    },
    {
      id: "cpu",
      header: "CPU",
      width: "w-26",
      align: "right",
      cell: (instance) => <Figure value={figures[instance.name]?.cpuCores} unit="cores" />,
    },
    {
      id: "memory",
      header: "Memory",
      width: "w-24",
      align: "right",
      cell: (instance) => <Figure value={figures[instance.name]?.memoryBytes} unit="bytes" />,
    },
  ];
}

function Restarts({ instance }: { instance: Instance }) {
  if (instance.restarts === 0) return <span className="text-ink-3">0</span>;
  const last = instance.lastRestart;
  return (
    <Tint value={instance.restarts}>
      <span className="font-medium">{instance.restarts}</span>
      {last && (
        <span className="text-ink-2 max-md:hidden">
          {" "}
          {last.reason}
          {last.exitCode !== null && ` (${last.exitCode})`}
          {last.at && (
            <>
              , <TimeAgo at={last.at} />
            </>
          )}
        </span>
      )}
    </Tint>
  );
}

export function InstancesTab({ instances, figures }: { instances: Instance[]; figures: Figures }) {
  const [search, setSearch] = useUrlState();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const text = search.get("iq") ?? "";
  const [sort, descending] = readSort(search.get("isort"));
  const sortValueOf = sortValues[sort] ?? sortValues.name;
  const rows = instances
    .filter((instance) =>
      `${instance.name} ${instance.track} ${instance.node} ${instance.address} ${instance.status} ${instance.version}`
        .toLowerCase()
        .includes(text.toLowerCase()),
    )
    .sort(
      (a, b) =>
        compareValues(sortValueOf?.(a, figures) ?? null, sortValueOf?.(b, figures) ?? null, descending) ||
        a.name.localeCompare(b.name),
    );
  const chosen = instances.filter((instance) => selected.has(instance.uid)).map((instance) => instance.name);
  const openLogs = (pods: string[]) => setSearch({ tab: "logs", pods: pods.join(",") }, { push: true });

  return (
    <>
      <div className="flex min-h-10 flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <SearchField label="Filter instances" value={text} onChange={(next) => setSearch({ iq: next || null })} />
        <span className="text-xs text-ink-3">
          {instances.filter((instance) => instance.ready).length} of {countOf(instances.length, "instance")} ready
        </span>
        {chosen.length > 0 && (
          <span className="ml-auto flex items-center gap-2">
            <span className="text-xs text-ink-3">{chosen.length} selected</span>
            <Button look="primary" onClick={() => openLogs(chosen)}>
              Open logs
            </Button>
          </span>
        )}
      </div>
      <HostsStrip instances={instances} />
      <DataTable
        label="Instances"
        columns={columnsOf(figures)}
        rows={rows}
        keyOf={(instance) => instance.uid}
        nameOf={(instance) => `${instance.name} ${instance.status}`}
        selection={{ selected, onChange: setSelected }}
        onOpen={(instance) => openLogs([instance.name])}
        stickyTop="top-9"
        sort={{
          column: sort,
          descending,
          onSort: (column) => setSearch({ isort: column === sort && !descending ? `-${column}` : column }),
        }}
        empty={
          text ? (
            <Empty title="No instance fits this filter" />
          ) : (
            <Empty title="No instances">Scaled to zero, or none could be made. Events tell why; Scale brings them.</Empty>
          )
        }
      />
    </>
  );
}

function readSort(text: string | null): [string, boolean] {
  const column = (text ?? "").replace(/^-/, "");
  return column in sortValues ? [column, text?.startsWith("-") ?? false] : ["name", false];
}
