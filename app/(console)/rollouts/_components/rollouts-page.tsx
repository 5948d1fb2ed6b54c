"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { servicesQuery } from "#lib/client/fleet.ts";
import { strategyName } from "#lib/client/rollout-view.ts";
import { rolloutsQuery } from "#lib/client/rollouts.ts";
import { listStrategies, rolloutStates } from "#lib/domain/rollouts/schemas.ts";
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
  const strategy = listStrategies.find((candidate) => candidate === search.get("strategy"));
  const service = search.get("service");
  const [namespace, name] = service?.split("/") ?? [];
  const query = useInfiniteQuery(rolloutsQuery({ state, strategy, namespace, service: name }));
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
          onChange={(event) => setSearch({ state: event.target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every state</option>
          {rolloutStates.map((each) => (
            <option key={each} value={each}>
              {each.charAt(0).toUpperCase() + each.slice(1)}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Strategy"
          value={strategy ?? ""}
          onChange={(event) => setSearch({ strategy: event.target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every strategy</option>
          {listStrategies.map((each) => (
            <option key={each} value={each}>
              {strategyName(each)}
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
              state || service || strategy ? (
                <Empty title="No rollout fits these filters">
                  <Button onClick={() => setSearch({ state: null, service: null, strategy: null })} className="mt-2">
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
