"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import {
  type DeliveryFilter,
  deliveriesQuery,
  deliveryQuery,
  deliveryWord,
  eventNames,
  outcomeWord,
  targetKindNames,
  targetsQuery,
} from "#lib/client/notifications.ts";
import { eventKinds } from "#lib/domain/notifications/events.ts";
import { type DeliveryView, deliveryStates } from "#lib/domain/notifications/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { buttonLook } from "../../../ui/button.tsx";
import { ChoiceFilter } from "../../../ui/choice.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { OutcomeShape } from "../../../ui/status.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { NotificationDetail } from "./notification-detail.tsx";

const stateWords = { pending: "On its way", delivered: "Delivered", failed: "Given up" };

/** Words may be longer than there is room for. */
const narrow = "[&_select]:max-w-44 [&_select]:truncate";

const columns: Column<DeliveryView>[] = [
  {
    id: "at",
    header: "When",
    width: "w-24",
    essential: true,
    cell: ({ createdAt }) => <TimeAgo at={createdAt} className="text-ink-2" />,
  },
  { id: "state", header: "State", width: "w-32", essential: true, cell: (delivery) => <DeliveryStatus delivery={delivery} /> },
  {
    id: "title",
    header: "Message",
    essential: true,
    cell: ({ title, isTest }) => (
      <span className={isTest ? "text-ink-2" : "font-medium"} title={title}>
        {title}
      </span>
    ),
  },
  {
    id: "events",
    header: "Events",
    width: "w-16",
    align: "right",
    cell: ({ eventCount }) => eventCount,
  },
  {
    id: "target",
    header: "To",
    width: "w-48",
    cell: ({ target, targetKind }) => (
      <>
        <span title={target}>{target}</span> <span className="text-ink-3">{targetKindNames[targetKind]}</span>
      </>
    ),
  },
  {
    id: "attempts",
    header: "Attempts",
    width: "w-44",
    cell: ({ attempts, outcome, state, nextAttemptAt }) => (
      <span className="text-ink-2">
        {attempts}
        {state !== "delivered" && outcome && ` · ${outcomeWord(outcome)}`}
        {state === "pending" && attempts > 0 && nextAttemptAt && (
          <>
            {" · next "}
            <TimeAgo at={nextAttemptAt} />
          </>
        )}
      </span>
    ),
  },
];

/** Every message of the last 30 days with its attempts; one is opened by its address. */
export function NotificationLogPage() {
  const [search, setSearch] = useUrlState();
  const targets = useQuery(targetsQuery).data ?? [];
  const filter: DeliveryFilter = {};
  const target = search.get("target");
  if (target) filter.target = target;
  const state = deliveryStates.find((each) => each === search.get("state"));
  if (state) filter.state = state;
  const event = eventKinds.find((each) => each === search.get("event"));
  if (event) filter.event = event;
  const query = useInfiniteQuery(deliveriesQuery(filter));
  const listed = query.data?.pages.flatMap((page) => page.items) ?? [];
  const open = search.get("message");
  const isListed = open === null || listed.some(({ id }) => id === open);
  const pasted = useQuery({ ...deliveryQuery(open ?? ""), enabled: query.data !== undefined && !isListed }).data;
  const rows = pasted && !isListed ? [pasted, ...listed] : listed;
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <>
      <PageHeader
        title="Log of messages"
        aside={
          <Link href="/settings?section=notifications" className="hover:text-ink hover:underline">
            Settings, Notifications
          </Link>
        }
      >
        <ChoiceFilter
          label="Target"
          every="Every target"
          value={target}
          options={targets.map(({ id, name }) => [id, name])}
          onChange={(next) => setSearch({ target: next })}
          className={narrow}
        />
        <ChoiceFilter
          label="State"
          every="Every state"
          value={state}
          options={deliveryStates.map((each) => [each, stateWords[each]])}
          onChange={(next) => setSearch({ state: next })}
        />
        <ChoiceFilter
          label="Event"
          every="Every event"
          value={event}
          options={eventKinds.map((each) => [each, eventNames[each]])}
          onChange={(next) => setSearch({ event: next })}
          className={narrow}
        />
      </PageHeader>
      <Answer
        of={query}
        what="The log of messages could not be read"
        still="Messages that wait are not lost."
        waiting={<TableSkeleton rows={10} columns={6} />}
      >
        {() => (
          <DataTable
            label="Messages"
            columns={columns}
            rows={rows}
            keyOf={({ id }) => id}
            nameOf={({ title, target: to }) => `${title} to ${to}`}
            onOpen={({ id }) => setSearch({ message: id === open ? null : id })}
            expanded={({ id }) => (id === open ? <NotificationDetail id={id} /> : null)}
            empty={
              isFiltered ? (
                <NoneFits thing="message" onClear={() => setSearch({ target: null, state: null, event: null })} />
              ) : (
                <Empty title="No message was sent yet">
                  Each message to a target stands here for 30 days, with every attempt and its answer.{" "}
                  <Link href="/settings?section=notifications" className={buttonLook({ look: "ghost", size: "small" })}>
                    Add a target and send a test
                  </Link>
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

function DeliveryStatus({ delivery }: { delivery: DeliveryView }) {
  const { state, outcome } = delivery;
  const like =
    state === "delivered" ? "succeeded" : state === "pending" ? "pending" : outcome === "cancelled" ? "superseded" : "failed";
  const color = { succeeded: "text-good", pending: "text-accent", superseded: "text-quiet", failed: "text-bad" }[like];
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap font-medium ${color}`}>
      <OutcomeShape outcome={like} />
      {deliveryWord(delivery)}
    </span>
  );
}
