"use client";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { countOf, formatFigure } from "#lib/client/numbers.ts";
import { hostsQuery } from "#lib/client/surroundings.ts";
import type { HostFigures, Instance } from "#lib/domain/fleet/schemas.ts";
import { cn } from "../../../../../ui/class-names.ts";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Figure } from "../../../../../ui/figure.tsx";
import { Skeleton } from "../../../../../ui/notices.tsx";

/** A host that is this busy is worth a look. */
const busy = { cpu: 0.9, memory: 0.9, disk: 0.85, loadPerCore: 1.5 };

/** What the hosts do on which a service's instances run: one line for each, beside how many instances are there. */
export function HostsStrip({ instances }: { instances: Instance[] }) {
  const { data, error } = useQuery(hostsQuery);
  const nodes = [...new Set(instances.flatMap(({ node }) => (node ? [node] : [])))].toSorted((a, b) =>
    a.localeCompare(b, undefined, { numeric: true }),
  );
  const hosts = new Map(data?.hosts.map((host) => [host.node, host]));
  if (nodes.length === 0 || (error && !data)) return null;
  if (!data) {
    return (
      <div role="status" aria-label="Loading the hosts" className="border-b bg-sunken">
        {nodes.map((node) => (
          <div key={node} className="flex h-6 items-center px-4">
            <Skeleton className="h-3 w-full max-w-2xl" />
          </div>
        ))}
      </div>
    );
  }
  if (hosts.size === 0) {
    return (
      <p className="border-b px-4 py-1.5 text-xs text-ink-3">
        {data.problem ?? "No figures of the hosts: Prometheus scrapes no node_exporter of these nodes."}
      </p>
    );
  }
  return (
    <ul aria-label="Hosts" className="border-b bg-sunken text-xs">
      {data.problem && (
        <li className="px-4 py-1 text-warn">
          {data.problem}{" "}
          {data.at && (
            <>
              These figures are from <TimeAgo at={data.at} />.
            </>
          )}
        </li>
      )}
      {nodes.map((node) => (
        <li key={node} className="flex flex-wrap items-baseline gap-x-5 gap-y-0.5 px-4 py-1 max-md:gap-x-3">
          <span className="w-36 shrink-0 max-md:w-16 max-md:truncate">
            <span className="name font-medium">{node}</span>{" "}
            <span className="text-ink-3 max-md:hidden">
              {countOf(instances.filter((instance) => instance.node === node).length, "instance")}
            </span>
          </span>
          <HostLine host={hosts.get(node)} />
        </li>
      ))}
    </ul>
  );
}

function HostLine({ host }: { host: HostFigures | undefined }) {
  if (!host) return <span className="text-ink-3">no figures: its node_exporter is not scraped</span>;
  const { cpuRatio, cores, load1, memoryBytes, memoryTotalBytes, receivedBytesPerSecond, sentBytesPerSecond, diskRatio } = host;
  const memoryRatio = memoryBytes !== null && memoryTotalBytes ? memoryBytes / memoryTotalBytes : null;
  const perCore = load1 !== null && cores ? load1 / cores : null;
  return (
    <>
      <Part name="CPU">
        <Figure value={cpuRatio} unit="ratio" alarm={(cpuRatio ?? 0) > busy.cpu} />
      </Part>
      <Part name="load">
        <Figure value={load1} unit="count" alarm={(perCore ?? 0) > busy.loadPerCore} />
        {cores !== null && <span className="text-ink-3 max-md:hidden"> of {cores} cores</span>}
      </Part>
      <Part name="memory">
        <Figure value={memoryRatio} unit="ratio" alarm={(memoryRatio ?? 0) > busy.memory} />
        <span className="text-ink-3 max-md:hidden"> of {formatFigure(memoryTotalBytes, "bytes")}</span>
      </Part>
      <Part name="network" className="max-md:hidden">
        <span title="received and sent">
          {formatFigure(receivedBytesPerSecond, "bytes")}/s in, {formatFigure(sentBytesPerSecond, "bytes")}/s out
        </span>
      </Part>
      <Part name="disk" className={(diskRatio ?? 0) > busy.disk ? undefined : "max-md:hidden"}>
        <Figure value={diskRatio} unit="ratio" alarm={(diskRatio ?? 0) > busy.disk} />
        <span className="text-ink-3"> full, </span>
        <Figure value={host.diskBusyRatio} unit="ratio" />
        <span className="text-ink-3"> busy</span>
      </Part>
    </>
  );
}

function Part({ name, className, children }: { name: string; className?: string; children: ReactNode }) {
  return (
    <span className={cn("whitespace-nowrap", className)}>
      <span className="text-ink-3">{name}</span> {children}
    </span>
  );
}
