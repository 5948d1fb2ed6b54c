"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { outsideQuery } from "#lib/client/surroundings.ts";
import type { OutsideInstance, OutsideService } from "#lib/domain/fleet/schemas.ts";
import { useTimeRange } from "../../../../../ui/chart/use-time-range.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../../ui/data-table.tsx";
import { Identifier } from "../../../../../ui/identifier.tsx";
import { Empty, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { Status } from "../../../../../ui/status.tsx";
import { HealthTab } from "./health-tab.tsx";

/** A service that the cluster does not know: Prometheus may scrape it outside, where it is shown and charted but not changed. */
export function OutsidePage({ id }: { id: string }) {
  const { data, isPending } = useQuery(outsideQuery);
  const time = useTimeRange();
  if (isPending) return <TableSkeleton rows={6} columns={6} />;
  const service = data?.services.find((candidate) => candidate.id === id);
  if (!service && data?.problem) {
    return <Empty title={`It is not known whether there is a service ${id}`}>The cluster has none. {data.problem}</Empty>;
  }
  if (!service) {
    return (
      <Empty title={`There is no service ${id}`}>
        It may have been deleted, or lost its label; and Prometheus scrapes none of that name outside the cluster.{" "}
        <Link href="/fleet?all=true" className="text-accent hover:underline">
          See the whole fleet
        </Link>
        .
      </Empty>
    );
  }
  return (
    <>
      <Header service={service} />
      <HealthTab id={id} time={time} />
      {data?.problem && <p className="border-b px-4 py-1.5 text-xs text-warn">{data.problem}</p>}
      <SectionHeader
        title="Instances"
        aside={
          <>
            {service.instances.length}
            {data?.at && (
              <>
                , as Prometheus said <TimeAgo at={data.at} />
              </>
            )}
          </>
        }
      />
      <DataTable
        label="Instances"
        columns={columns}
        rows={service.instances}
        keyOf={({ job, address }) => `${job} ${address}`}
        nameOf={({ address, state }) => `${address} ${state}`}
        note={({ lastError }) => lastError && <p className="-mt-1 pl-4 text-ink-2">{lastError}</p>}
        empty={<Empty title="No instances" />}
      />
    </>
  );
}

function Header({ service }: { service: OutsideService }) {
  return (
    <header className="border-b px-4 pb-3 pt-3">
      <p className="text-xs text-ink-3">
        <Link href="/fleet" className="hover:text-ink">
          Fleet
        </Link>{" "}
        / {service.namespace}
      </p>
      <h1 className="flex flex-wrap items-center gap-x-3 name text-xl font-semibold tracking-[-0.015em]">
        {service.name}
        <span className="text-sm tracking-normal">
          <Status health={service.health} />
        </span>
      </h1>
      <p className="text-ink-2">{service.healthReason}</p>
      <p className="mt-1 text-ink-3">
        Unmanaged: it runs outside the cluster. Switchyard sees what Prometheus scrapes of it, and cannot scale, roll out or
        restart it.
      </p>
    </header>
  );
}

const stateHealth = { up: "healthy", down: "down", unknown: "unknown" } as const;

const columns: Column<OutsideInstance>[] = [
  { id: "address", header: "Address", essential: true, cell: ({ address }) => <Identifier name={address} /> },
  {
    id: "state",
    header: "Status",
    width: "w-32",
    essential: true,
    cell: ({ state, lastError }) => <Status health={stateHealth[state]} reason={lastError ?? undefined} />,
  },
  { id: "job", header: "Job", width: "w-32", cell: ({ job }) => <span className="name text-ink-2">{job}</span> },
  {
    id: "version",
    header: "Version",
    width: "w-28",
    cell: ({ version }) => <span className="font-mono text-xs">{version ?? "–"}</span>,
  },
  {
    id: "scraped",
    header: "Scraped",
    width: "w-28",
    essential: true,
    cell: ({ lastScrapeAt }) => (lastScrapeAt ? <TimeAgo at={lastScrapeAt} className="text-ink-2" /> : "–"),
  },
];
