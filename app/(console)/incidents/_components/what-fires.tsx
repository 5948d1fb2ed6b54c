"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { byUrgency, sentenceOf, serviceOf } from "#lib/client/alert-view.ts";
import { alertQuery, liveAlertsQuery } from "#lib/client/alerts.ts";
import { isOpen } from "#lib/client/incident-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import { countsThePast } from "#lib/domain/incidents/recovery/judge-resolve.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { AlertStanding } from "../../../ui/alerts/standing.tsx";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { SeverityShape } from "../../../ui/severity.tsx";

const mostShown = 6;

/** The alerts that belong to the incident, and those that fire on its services now. */
export function WhatFires({ incident }: { incident: IncidentDetail }) {
  const live = useQuery(liveAlertsQuery());
  const linked = incident.links.filter(({ kind }) => kind === "alert");
  const ids = new Set(linked.map(({ targetId }) => targetId));
  const services = new Set(incident.services.map(({ namespace, name }) => `${namespace}/${name}`));
  const firing = (live.data?.items ?? [])
    .filter((alert) => ids.has(alert.id) || (isOpen(incident) && services.has(serviceOf(alert) ?? "")))
    .sort((a, b) => Number(countsThePast(a.name)) - Number(countsThePast(b.name)) || byUrgency(a, b));
  const firingIds = new Set(firing.map(({ id }) => id));
  const over = linked.filter(({ targetId }) => !firingIds.has(targetId));
  return (
    <section aria-labelledby="fires">
      <SectionHeader
        id="fires"
        title="What fires"
        aside={live.data && (firing.length === 0 ? "nothing on its services now" : countOf(firing.length, "alert"))}
      />
      {live.data === undefined && <Skeleton className="mx-4 my-2 h-4 w-72" />}
      <ul>
        {firing.slice(0, mostShown).map((alert) => (
          <Firing key={alert.id} alert={alert} isLinked={ids.has(alert.id)} />
        ))}
        {firing.length > mostShown && (
          <li className="flex h-8 items-center border-b px-4">
            <Link href="/alerts" className="text-accent hover:underline">
              and {firing.length - mostShown} more
            </Link>
          </li>
        )}
        {live.data !== undefined && over.slice(0, mostShown).map((link) => <Linked key={link.targetId} link={link} />)}
      </ul>
    </section>
  );
}

/** One that the list of what fires does not have: how it stands is asked by itself, as the list may be cut. */
function Linked({ link: { targetId, title, href, at } }: { link: IncidentDetail["links"][number] }) {
  const alert = useQuery(alertQuery(targetId)).data;
  return (
    <li className="flex h-8 min-w-0 items-center gap-3 border-b px-4 text-ink-2">
      {alert && <SeverityShape severity={alert.severity} />}
      <Link href={href} className="name min-w-0 truncate hover:underline" title={title}>
        {alert?.name ?? title}
      </Link>
      {alert && <AlertStanding standing={alert.standing} />}
      <span className="ml-auto shrink-0 text-ink-3">
        {alert ? (
          <Elapsed from={alert.startsAt} to={alert.endsAt} />
        ) : (
          <span className="text-xs">
            linked <TimeAgo at={at} />
          </span>
        )}
      </span>
    </li>
  );
}

function Firing({ alert, isLinked }: { alert: AlertRow; isLinked: boolean }) {
  const sentence = sentenceOf(alert);
  const named = alert.annotations.runbook_url ?? alert.annotations.runbook ?? "";
  // The text comes from outside: only to the web, whatever it says.
  const runbook = /^https?:\/\//i.test(named) ? named : null;
  return (
    <li className="flex h-8 min-w-0 items-center gap-3 border-b px-4">
      <SeverityShape severity={alert.severity} />
      <Link href={`/alerts/${alert.id}`} className="name font-medium hover:underline max-md:min-w-0 max-md:truncate md:shrink-0">
        {alert.name}
      </Link>
      <AlertStanding standing={alert.standing} />
      {sentence !== alert.name && <span className="min-w-0 truncate text-ink-2 max-md:hidden">{sentence}</span>}
      <span className="ml-auto shrink-0 text-ink-3">
        {runbook && (
          <a
            href={runbook}
            target="_blank"
            rel="noreferrer noopener"
            className="mr-3 text-xs text-accent hover:underline max-md:hidden"
          >
            Runbook
          </a>
        )}
        {countsThePast(alert.name) && (
          <span
            className="mr-2 text-xs max-md:hidden"
            title="It counts hours or days, also when the harm is over. It does not hold the resolve up once its service has been good for as long as alerts must be over."
          >
            counts the past
          </span>
        )}
        {!isLinked && <span className="mr-2 text-xs">not linked yet</span>}
        <Elapsed from={alert.startsAt} to={alert.endsAt} />
      </span>
    </li>
  );
}
