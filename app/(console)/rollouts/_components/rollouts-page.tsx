"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { servicesQuery } from "#lib/client/fleet.ts";
import { rolloutsQuery } from "#lib/client/rollouts.ts";
import { type RolloutState, rolloutStates } from "#lib/domain/rollouts/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Select } from "../../../ui/field.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { RolloutTable } from "./rollout-table.tsx";

export function RolloutsPage() {
  const [search, setSearch] = useUrlState();
  const state = rolloutStates.find((candidate) => candidate === search.get("state"));
  const service = search.get("service");
  const [namespace, name] = service?.split("/") ?? [];
  const query = useInfiniteQuery(rolloutsQuery({ state, namespace, service: name }));
  const services = useQuery(servicesQuery).data?.services ?? [];
  return (
    <>
      <PageHeader title="Rollouts">
        <Select
          aria-label="Service"
          data-filter
          value={service ?? ""}
          onChange={(event) => setSearch({ service: event.target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every service</option>
          {services.map((each) => (
            <option key={each.id} value={each.id}>
              {each.name} ({each.namespace})
            </option>
          ))}
        </Select>
        <Select
          aria-label="State"
          value={state ?? ""}
          onChange={(event) => setSearch({ state: (event.target.value as RolloutState) || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every state</option>
          {rolloutStates.map((each) => (
            <option key={each} value={each}>
              {each.charAt(0).toUpperCase() + each.slice(1)}
            </option>
          ))}
        </Select>
      </PageHeader>
      <Answer
        of={query}
        what="The rollouts could not be read"
        still="The fleet is still live."
        waiting={<TableSkeleton rows={10} columns={7} />}
      >
        {({ pages }) => (
          <RolloutTable
            rollouts={pages.flatMap((page) => page.items)}
            empty={
              state || service ? (
                <Empty title="No rollout fits these filters">
                  <Button onClick={() => setSearch({ state: null, service: null })} className="mt-2">
                    Clear the filters
                  </Button>
                </Empty>
              ) : (
                <Empty title="No rollouts yet">
                  Every change of a service that Switchyard makes is followed here. Start one from{" "}
                  <Link href="/fleet" className="text-accent hover:underline">
                    a service's page
                  </Link>
                  .
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
