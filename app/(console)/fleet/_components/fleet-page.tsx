"use client";
import { useQuery } from "@tanstack/react-query";
import { Columns3 } from "lucide-react";
import { useRouter } from "next/navigation";
import { useMemo } from "react";
import { judgeByAlerts } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import {
  type FleetColumn,
  type FleetView,
  fleetColumns,
  fleetViewParameters,
  isListed,
  parseFleetView,
  readinessOf,
  selectServices,
} from "#lib/client/fleet-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import { type Feed, type Health, healthWords, type Service } from "#lib/domain/fleet/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { DataTable } from "../../../ui/data-table.tsx";
import { FilterMenu } from "../../../ui/filter-menu.tsx";
import { NoServices } from "../../../ui/no-services.tsx";
import { NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { healthWord, Status } from "../../../ui/status.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { columnTitles, fleetTableColumns } from "./fleet-columns.tsx";
import { OutsideSection } from "./outside-section.tsx";

export function FleetPage() {
  const router = useRouter();
  const [search, setSearch] = useUrlState();
  const view = parseFleetView(search);
  const change = (part: Partial<FleetView>) => setSearch(fleetViewParameters({ ...view, ...part }));
  const query = useQuery(servicesQuery);
  const { data } = query;
  const alerts = useQuery(liveAlertsQuery()).data?.items ?? [];
  const services = judgeByAlerts(data?.services ?? [], alerts);
  const figures = data?.figures ?? {};
  const shown = selectServices(services, figures, view);
  const columns = useMemo(() => fleetTableColumns(figures), [figures]).filter((column) => !view.hidden.includes(column.id));
  const isFiltered = Boolean(view.search || view.kinds.length || view.health.length || view.namespaces.length);
  const hiddenKinds = services.filter((service) => !isListed(service.kind)).length;

  return (
    <>
      <PageHeader
        title="Fleet"
        aside={
          data
            ? `${countOf(shown.length, "service")}, ${shown.reduce((sum, service) => sum + readinessOf(service).ready, 0)} instances ready`
            : null
        }
      >
        <SearchField
          label="Filter services"
          value={view.search}
          onChange={(text) => change({ search: text })}
          className="max-md:order-last max-md:w-full"
        />
        <FilterMenu
          label="Status"
          options={healthWords.map((health) => ({
            value: health,
            label: <Status health={health} />,
            count: count(services, (each) => each.health === health),
          }))}
          selected={view.health}
          onChange={(selected) => change({ health: selected as Health[] })}
        />
        <FilterMenu
          label="Kind"
          options={optionsOf(services, (service) => service.kind)}
          selected={view.kinds}
          onChange={(kinds) => change({ kinds })}
        />
        <FilterMenu
          label="Namespace"
          options={optionsOf(services, (service) => service.namespace)}
          selected={view.namespaces}
          onChange={(namespaces) => change({ namespaces })}
        />
        <Button
          role="switch"
          aria-checked={view.all}
          onClick={() => change({ all: !view.all })}
          tooltip={`Also kinds that are not relay, connector, hub or edge (${hiddenKinds})`}
          className={view.all ? "border-accent-solid/60 bg-accent-soft text-accent" : undefined}
        >
          All kinds
        </Button>
        <span className="max-md:hidden">
          <FilterMenu
            quiet
            label="Columns"
            icon={<Columns3 aria-hidden="true" />}
            options={fleetColumns.filter((id) => id !== "name").map((id) => ({ value: id, label: columnTitles[id] }))}
            selected={fleetColumns.filter((id) => !view.hidden.includes(id))}
            onChange={(selected) =>
              change({ hidden: fleetColumns.filter((id): id is FleetColumn => id !== "name" && !selected.includes(id)) })
            }
          />
        </span>
      </PageHeader>
      <Answer
        of={query}
        what="The fleet could not be read"
        still="Rollouts and the audit still answer."
        waiting={<TableSkeleton rows={10} columns={8} />}
      >
        {({ feeds }) => (
          <DataTable
            label="Services"
            columns={columns}
            rows={shown}
            keyOf={(service) => service.id}
            nameOf={(service) => `${service.name} ${healthWord(service.health)}`}
            onOpen={(service) => router.push(`/fleet/${service.id}`)}
            sort={{
              column: view.sort,
              descending: view.descending,
              onSort: (column) => change({ sort: column as FleetColumn, descending: view.sort === column && !view.descending }),
            }}
            empty={
              <FleetEmpty
                isFiltered={isFiltered}
                hidden={hiddenKinds}
                feeds={feeds}
                onClear={() => change({ search: "", kinds: [], health: [], namespaces: [] })}
              />
            }
          />
        )}
      </Answer>
      <OutsideSection search={view.search} />
    </>
  );
}

const count = <T,>(items: T[], test: (item: T) => boolean) => items.reduce((sum, item) => sum + (test(item) ? 1 : 0), 0);

function optionsOf(services: Service[], read: (service: Service) => string) {
  return [...new Set(services.map(read))]
    .sort()
    .map((value) => ({ value, label: value, count: count(services, (service) => read(service) === value) }));
}

function FleetEmpty({
  isFiltered,
  hidden,
  feeds,
  onClear,
}: {
  isFiltered: boolean;
  hidden: number;
  feeds: Feed[];
  onClear: () => void;
}) {
  if (!isFiltered) return <NoServices feeds={feeds} hidden={hidden} />;
  return <NoneFits thing="service" onClear={onClear} />;
}
