"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type ItemFilter, itemsQuery } from "#lib/client/action-items.ts";
import { itemTypeInfos, itemTypes } from "#lib/domain/incidents/action-items/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Select } from "../../../ui/field.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
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
        <Select
          aria-label="State"
          data-filter
          value={state}
          onChange={({ target }) => setSearch({ state: target.value === "open" ? null : target.value })}
          className="[&_select]:h-7"
        >
          {states.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Type"
          value={type ?? ""}
          onChange={({ target }) => setSearch({ type: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every type</option>
          {itemTypes.map((each) => (
            <option key={each} value={each}>
              {itemTypeInfos[each].title}
            </option>
          ))}
        </Select>
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
                <Empty title="No action item fits these filters">
                  <Button onClick={() => setSearch({ state: null, type: null, owner: null })} className="mt-2">
                    Show all open ones
                  </Button>
                </Empty>
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
