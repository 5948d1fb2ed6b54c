"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import {
  byWeight,
  type IncidentsView,
  incidentsFilter,
  incidentsViewParameters,
  parseIncidentsView,
} from "#lib/client/incident-view.ts";
import { incidentsQuery } from "#lib/client/incidents.ts";
import { type Severity, severities, severityInfos } from "#lib/domain/incidents/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Select } from "../../../ui/field.tsx";
import { ReportButton } from "../../../ui/incidents/report-button.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentTable } from "./incident-table.tsx";
import { IncidentsHeader } from "./incidents-header.tsx";

export function IncidentsPage() {
  const [search, setSearch] = useUrlState();
  const view = parseIncidentsView(search);
  const change = (part: Partial<IncidentsView>) => setSearch(incidentsViewParameters({ ...view, ...part }));
  const query = useInfiniteQuery(incidentsQuery(incidentsFilter(view)));
  const isNarrowed = view.severity !== null || view.service !== null || view.search !== "" || view.drills !== "with";
  return (
    <>
      <IncidentsHeader>
        <SearchField
          label="Filter incidents"
          value={view.search}
          onChange={(text) => change({ search: text })}
          className="max-sm:w-44"
        />
        <ReportButton look="primary" />
      </IncidentsHeader>
      <Filters view={view} onChange={change} />
      <Answer
        of={query}
        what="The incidents could not be read"
        still="The fleet is still live, and so are the alerts."
        waiting={<TableSkeleton rows={8} columns={7} />}
      >
        {({ pages }) => {
          const incidents = pages.flatMap((page) => page.items);
          return (
            <IncidentTable
              incidents={view.state === "open" ? incidents.toSorted(byWeight) : incidents}
              empty={
                isNarrowed ? (
                  <Empty title="No incident fits these filters">
                    <Button
                      onClick={() => change({ severity: null, service: null, search: "", drills: "with", state: "all" })}
                      className="mt-2"
                    >
                      Clear the filters
                    </Button>
                  </Empty>
                ) : (
                  <None state={view.state} onShowAll={() => change({ state: "all" })} />
                )
              }
            />
          );
        }}
      </Answer>
      <OlderOnes of={query} />
    </>
  );
}

function None({ state, onShowAll }: { state: IncidentsView["state"]; onShowAll: () => void }) {
  if (state === "open") {
    return (
      <Empty title="No incident is open">
        What is reported with the key c, or opened by an alert or a rollout, is worked on here.{" "}
        <Button size="small" className="mt-2" onClick={onShowAll}>
          Show all
        </Button>
      </Empty>
    );
  }
  return <Empty title={state === "all" ? "No incidents yet" : "No incident is resolved yet"}>Report one with the key c.</Empty>;
}

const states: Record<IncidentsView["state"], string> = { open: "Open", resolved: "Resolved", all: "All" };
const drillWords: Record<IncidentsView["drills"], string> = {
  with: "With drills",
  without: "Without drills",
  only: "Drills only",
};

function Filters({ view, onChange }: { view: IncidentsView; onChange: (part: Partial<IncidentsView>) => void }) {
  const services = useQuery(servicesQuery).data?.services ?? [];
  return (
    <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
      <Select
        aria-label="State"
        value={view.state}
        onChange={({ target }) => onChange({ state: target.value as IncidentsView["state"] })}
        className="[&_select]:h-7"
      >
        {Object.entries(states).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Severity"
        value={view.severity ?? ""}
        onChange={({ target }) => onChange({ severity: (target.value || null) as Severity | null })}
        className="[&_select]:h-7"
      >
        <option value="">Every severity</option>
        {severities.map((severity) => (
          <option key={severity} value={severity}>
            {severity} {severityInfos[severity].title}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Service"
        value={view.service ?? ""}
        onChange={({ target }) => onChange({ service: target.value || null })}
        className="[&_select]:h-7"
      >
        <option value="">Every service</option>
        {view.service && !services.some(({ id }) => id === view.service) && <option value={view.service}>{view.service}</option>}
        {services.map((service) => (
          <option key={service.id} value={service.id}>
            {service.name} ({service.namespace})
          </option>
        ))}
      </Select>
      <Select
        aria-label="Drills"
        value={view.drills}
        onChange={({ target }) => onChange({ drills: target.value as IncidentsView["drills"] })}
        className="[&_select]:h-7"
      >
        {Object.entries(drillWords).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </Select>
    </div>
  );
}
