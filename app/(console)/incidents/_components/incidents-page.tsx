"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import {
  byWeight,
  type IncidentsView,
  incidentsFilter,
  incidentsViewParameters,
  parseIncidentsView,
} from "#lib/client/incident-view.ts";
import { incidentsQuery } from "#lib/client/incidents.ts";
import { severities, severityInfos } from "#lib/domain/incidents/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Choice, ChoiceFilter } from "../../../ui/choice.tsx";
import { ReportButton } from "../../../ui/incidents/report-button.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { ServiceFilter } from "../../../ui/service-filter.tsx";
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
                  <NoneFits
                    thing="incident"
                    onClear={() => change({ severity: null, service: null, search: "", drills: "with", state: "all" })}
                  />
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

const states: [IncidentsView["state"], string][] = [
  ["open", "Open"],
  ["resolved", "Resolved"],
  ["all", "All"],
];
const drillWords: [IncidentsView["drills"], string][] = [
  ["with", "With drills"],
  ["without", "Without drills"],
  ["only", "Drills only"],
];

function Filters({ view, onChange }: { view: IncidentsView; onChange: (part: Partial<IncidentsView>) => void }) {
  return (
    <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
      <Choice label="State" value={view.state} options={states} onChange={(state) => onChange({ state })} />
      <ChoiceFilter
        label="Severity"
        every="Every severity"
        value={view.severity}
        options={severities.map((each) => [each, `${each} ${severityInfos[each].title}`])}
        onChange={(severity) => onChange({ severity })}
      />
      <ServiceFilter value={view.service} onChange={(service) => onChange({ service })} />
      <Choice label="Drills" value={view.drills} options={drillWords} onChange={(drills) => onChange({ drills })} />
    </div>
  );
}
