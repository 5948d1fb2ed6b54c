"use client";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { countOf } from "#lib/client/numbers.ts";
import { outsideQuery } from "#lib/client/surroundings.ts";
import type { OutsideService } from "#lib/domain/fleet/schemas.ts";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { ReadyBar } from "../../../ui/figure.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { ServiceLink } from "../../../ui/service-table-cells.tsx";
import { Status } from "../../../ui/status.tsx";

/** What Prometheus scrapes outside the cluster, as services; nothing at all when there is none. */
export function OutsideSection({ search }: { search: string }) {
  const router = useRouter();
  const { data } = useQuery(outsideQuery);
  const words = search.toLowerCase();
  const services = (data?.services ?? []).filter(({ id, kind }) => `${id} ${kind}`.toLowerCase().includes(words));
  if (services.length === 0 && !(data?.problem && data.at === null)) return null;
  return (
    <section aria-labelledby="outside">
      <SectionHeader
        id="outside"
        title="Outside the cluster"
        aside={`${countOf(services.length, "service")} that Prometheus scrapes; unmanaged`}
      />
      {data?.problem && <p className="border-b px-4 py-1.5 text-xs text-warn">{data.problem}</p>}
      <DataTable
        label="Services outside the cluster"
        columns={columns}
        rows={services}
        keyOf={({ id }) => id}
        nameOf={({ name, health }) => `${name} ${health}`}
        onOpen={({ id }) => router.push(`/fleet/${id}`)}
        note={({ health, healthReason }) =>
          health !== "healthy" && <p className="-mt-1 pl-4 text-ink-2 md:pl-[7.5rem]">{healthReason}</p>
        }
        empty={null}
      />
    </section>
  );
}

const columns: Column<OutsideService>[] = [
  {
    id: "status",
    header: "Status",
    width: "w-30 max-md:w-32",
    essential: true,
    cell: ({ health, healthReason }) => <Status health={health} reason={healthReason} />,
  },
  { id: "name", header: "Name", essential: true, cell: (service) => <ServiceLink service={service} /> },
  { id: "kind", header: "Kind", width: "w-24", cell: ({ kind }) => <span className="text-ink-2">{kind || "–"}</span> },
  {
    id: "namespace",
    header: "Namespace",
    width: "w-28",
    cell: ({ namespace }) => <span className="name text-ink-2">{namespace}</span>,
  },
  {
    id: "up",
    header: "Up",
    width: "w-28 max-md:w-26",
    essential: true,
    cell: ({ instances }) => (
      <ReadyBar ready={instances.filter(({ state }) => state === "up").length} desired={instances.length} />
    ),
  },
];
