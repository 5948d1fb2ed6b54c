"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { deliveryQuery, notificationKeys, outcomeWord, sendAgain } from "#lib/client/notifications.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { AttemptView, DeliveredEvent, DeliveryDetail } from "#lib/domain/notifications/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Identifier } from "../../../ui/identifier.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const shownEvents = 20;

/** A message with each attempt and its answer, and what it told of. */
export function NotificationDetail({ id }: { id: string }) {
  const query = useQuery(deliveryQuery(id));
  return (
    <div className="border-b bg-sunken px-4 py-3">
      <Answer of={query} what="The message could not be read" waiting={<Skeleton className="h-3 w-48" />}>
        {(delivery) => <Detail delivery={delivery} />}
      </Answer>
    </div>
  );
}

function Detail({ delivery }: { delivery: DeliveryDetail }) {
  const { log, events, eventCount, state, giveUpAt, attempts } = delivery;
  return (
    <div className="grid gap-x-8 gap-y-3 lg:grid-cols-2">
      <section>
        <div className="mb-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <h3 className="font-semibold">Attempts</h3>
          {delivery.targetKind !== "slack" && (
            <span className="text-ink-3">
              {delivery.targetKind === "email" ? "Message-ID begins with" : "webhook-id"} <Identifier name={delivery.id} />
            </span>
          )}
          <SendAgain delivery={delivery} />
        </div>
        {log.length === 0 && (
          <p className="text-ink-2">
            {state === "failed" ? "None: it was cancelled while it waited, since its target was disabled." : "None yet."}
          </p>
        )}
        <ol className="grid gap-1.5">
          {log.map((attempt) => (
            <AttemptLine key={`${attempt.at} ${attempt.outcome}`} attempt={attempt} />
          ))}
        </ol>
        {log.length >= 100 && <p className="mt-1 text-ink-3">The newest 100 are shown.</p>}
        {state === "pending" && attempts > 0 && (
          <p className="mt-1 text-ink-3">
            It is given up <TimeAgo at={giveUpAt} />.
          </p>
        )}
      </section>
      <section>
        <h3 className="mb-1 font-semibold">{eventCount === 1 ? "Event" : `${eventCount} events`}</h3>
        <ul className="grid gap-1">
          {events.slice(0, shownEvents).map((event) => (
            <EventLine key={event.key} event={event} />
          ))}
        </ul>
        {eventCount > shownEvents && (
          <details className="mt-1">
            <summary className="cursor-pointer text-ink-2">
              {eventCount - shownEvents} more
              {eventCount > events.length ? `, of which ${events.length - shownEvents} are listed` : ""}
            </summary>
            <ul className="mt-1 grid gap-1">
              {events.slice(shownEvents).map((event) => (
                <EventLine key={event.key} event={event} />
              ))}
            </ul>
          </details>
        )}
      </section>
    </div>
  );
}

function AttemptLine({ attempt: { at, outcome, durationMs, answer, excerpt, error } }: { attempt: AttemptView }) {
  const isGood = outcome === "delivered";
  return (
    <li>
      <span className="flex flex-wrap items-center gap-x-2">
        <span className={`inline-flex items-center gap-1.5 font-medium ${isGood ? "text-good" : "text-bad"}`}>
          <StatusShape health={isGood ? "healthy" : "down"} /> {outcomeWord(outcome)}
        </span>
        <TimeAgo at={at} className="text-ink-2" />
        <span className="text-ink-3">took {formatDuration(durationMs)}</span>
        {answer && <code className="break-all text-xs">{answer}</code>}
      </span>
      {error && <p className="text-ink-2">{error}</p>}
      {excerpt && <pre className="whitespace-pre-wrap break-words font-mono text-xs text-ink-3">{excerpt}</pre>}
    </li>
  );
}

function EventLine({ event: { title, text, path, at } }: { event: DeliveredEvent }) {
  return (
    <li className="min-w-0">
      <Link href={path} className="font-medium hover:text-accent hover:underline">
        {title}
      </Link>{" "}
      <TimeAgo at={at} className="text-ink-3" />
      {text && <p className="break-words text-ink-2">{text}</p>}
    </li>
  );
}

function SendAgain({ delivery }: { delivery: DeliveryDetail }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const again = useMutation({
    mutationFn: () => sendAgain(delivery.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: notificationKeys.log }),
  });
  if (delivery.state !== "failed" || delivery.isTest) return null;
  return (
    <>
      <Button size="small" disabledReason={refusal} busy={again.isPending} onClick={() => again.mutate()}>
        Send it again
      </Button>
      {again.error && <ErrorNotice className="w-full" what="Not sent again" error={again.error} />}
    </>
  );
}
