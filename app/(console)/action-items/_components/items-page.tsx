"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ItemFilter, itemsQuery } from "#lib/client/action-items.ts";
import { itemTypeInfos, itemTypes } from "#lib/domain/incidents/action-items/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Choice, ChoiceFilter } from "../../../ui/choice.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentsHeader } from "../../incidents/_components/incidents-header.tsx";
import { OwnerFilter } from "../../incidents/_components/owner-filter.tsx";
import { ItemTable } from "./item-table.tsx";

const states = [
  ["open", "Open"],
  ["overdue", "Overdue"],
  ["done", "Done"],
  ["all", "All"],
] as const;

/** What is to be done after incidents, the most overdue first. */
export function ItemsPage() {
  const [search, setSearch] = useUrlState();
  const state = states.find(([value]) => value === search.get("state"))?.[0] ?? "open";
  const type = itemTypes.find((candidate) => candidate === search.get("type"));
  const owner = search.get("owner") ?? "";
  const filter: ItemFilter = { ...(state !== "all" && { state }), ...(type && { type }), ...(owner && { owner }) };
  const query = useInfiniteQuery(itemsQuery(filter));
  const isFiltered = state !== "open" || type !== undefined || owner !== "";
  return (
    <>
      <IncidentsHeader>
        <Choice
          label="State"
          data-filter
          value={state}
          options={states}
          onChange={(next) => setSearch({ state: next === "open" ? null : next })}
        />
        <ChoiceFilter
          label="Type"
          every="Every type"
          value={type}
          options={itemTypes.map((each) => [each, itemTypeInfos[each].title])}
          onChange={(next) => setSearch({ type: next })}
        />
        <OwnerFilter owner={owner} onChange={(next) => setSearch({ owner: next })} />
      </IncidentsHeader>
      <Answer
        of={query}
        what="The action items could not be read"
        still="Incidents and the fleet are still live."
        waiting={<TableSkeleton rows={8} columns={6} />}
      >
        {({ pages }) => (
          <ItemTable
            items={pages.flatMap((page) => page.items)}
            withIncident
            empty={
              isFiltered ? (
                <NoneFits
                  thing="action item"
                  way="Show all open ones"
                  onClear={() => setSearch({ state: null, type: null, owner: null })}
                />
              ) : (
                <Empty title="Nothing is to be done">
                  Action items are added on an incident's postmortem, each with an owner and a date.
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <OlderOnes of={query} />
    </>
  );
}
