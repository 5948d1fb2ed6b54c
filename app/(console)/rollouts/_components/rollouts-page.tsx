"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import Link from "next/link";
import { strategyName } from "#lib/client/rollout-view.ts";
import { rolloutsQuery } from "#lib/client/rollouts.ts";
import { capital } from "#lib/client/words.ts";
import { listStrategies, rolloutStates } from "#lib/domain/rollouts/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { ChoiceFilter } from "../../../ui/choice.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { ServiceFilter } from "../../../ui/service-filter.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { RolloutTable } from "./rollout-table.tsx";

export function RolloutsPage() {
  const [search, setSearch] = useUrlState();
  const state = rolloutStates.find((candidate) => candidate === search.get("state"));
  const strategy = listStrategies.find((candidate) => candidate === search.get("strategy"));
  const service = search.get("service");
  const [namespace, name] = service?.split("/") ?? [];
  const query = useInfiniteQuery(rolloutsQuery({ state, strategy, namespace, service: name }));
  return (
    <>
      <PageHeader title="Rollouts">
        <ServiceFilter data-filter value={service} onChange={(next) => setSearch({ service: next })} />
        <ChoiceFilter
          label="State"
          every="Every state"
          value={state}
          options={rolloutStates.map((each) => [each, capital(each)])}
          onChange={(next) => setSearch({ state: next })}
        />
        <ChoiceFilter
          label="Strategy"
          every="Every strategy"
          value={strategy}
          options={listStrategies.map((each) => [each, strategyName(each)])}
          onChange={(next) => setSearch({ strategy: next })}
        />
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
                <NoneFits thing="rollout" onClear={() => setSearch({ state: null, service: null, strategy: null })} />
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
