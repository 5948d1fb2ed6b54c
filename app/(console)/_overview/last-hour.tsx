"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import { auditWords } from "#lib/client/action-texts.ts";
import { sentenceOf } from "#lib/client/alert-view.ts";
import { alertHistoryQuery } from "#lib/client/alerts.ts";
import { lastHourQuery } from "#lib/client/audit.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { AuditView } from "#lib/domain/audit-schemas.ts";
import { AlertStanding } from "../../ui/alerts/standing.tsx";
import { TimeAgo, useNow } from "../../ui/clock.tsx";
import { Empty, ErrorNotice, Skeleton, TableSkeleton } from "../../ui/notices.tsx";
import { SectionHeader } from "../../ui/page-header.tsx";
import { SeverityShape } from "../../ui/severity.tsx";
import { OutcomeStatus } from "../../ui/status.tsx";
import { TimeLine } from "./time-line.tsx";

const hourMs = 3_600_000;
const mostRows = 14;

/** Everything that was done and everything that fired in the last hour, on one time line and as a list. */
export function LastHour() {
  const { data, error, refetch } = useQuery(lastHourQuery);
  const now = useNow();
  const minute = now === null ? null : Math.floor(now / 60_000) * 60_000;
  const history = useInfiniteQuery({
    ...alertHistoryQuery({ from: new Date((minute ?? 0) - hourMs).toISOString() }),
    enabled: minute !== null,
  });
  const alerts = history.data?.pages[0]?.items ?? [];
  const areMore = Boolean(history.data?.pages[0]?.nextCursor);
  const entries = now === null ? [] : (data?.items.filter((entry) => now - Date.parse(entry.at) < hourMs) ?? []);
  return (
    <section aria-labelledby="last-hour">
      <SectionHeader
        id="last-hour"
        title="Last hour"
        aside={
          data && history.data
            ? `${countOf(entries.length, "action")}, ${areMore ? "more than " : ""}${countOf(alerts.length, "alert")}`
            : null
        }
      >
        <Link href="/alerts/history?span=1h" className="text-xs text-ink-2 hover:text-ink hover:underline">
          Alert history
        </Link>
        <Link href="/audit" className="ml-2 text-xs text-ink-2 hover:text-ink hover:underline">
          All of the audit
        </Link>
      </SectionHeader>
      {error && !data && (
        <ErrorNotice className="m-4" what="The ledger could not be read" error={error} onRetry={() => refetch()} />
      )}
      {history.error && !history.data && (
        <ErrorNotice
          className="m-4"
          what="The alerts could not be read"
          error={history.error}
          onRetry={() => history.refetch()}
        />
      )}
      {now === null || (!data && !error) || (!history.data && !history.error) ? (
        <>
          <Skeleton className="m-4 h-10" />
          <TableSkeleton rows={8} columns={4} />
        </>
      ) : entries.length === 0 && alerts.length === 0 ? (
        data &&
        history.data && (
          <Empty title="Nothing was changed and nothing fired in the last hour">
            Every scale, rollout and rollback appears here, with who did it and why, beside every alert.
          </Empty>
        )
      ) : (
        <>
          <TimeLine entries={entries} alerts={alerts} now={now} />
          <ol>{rowsOf(entries, alerts)}</ol>
        </>
      )}
    </section>
  );
}

const look =
  "grid h-8 grid-cols-[4rem_7.5rem_minmax(0,1fr)] items-center gap-3 px-4 hover:bg-hover md:grid-cols-[5rem_8rem_minmax(12rem,2fr)_8rem_minmax(0,3fr)]";

/** Actions and alerts together, the newest first. */
function rowsOf(entries: AuditView[], alerts: AlertRow[]): ReactNode[] {
  const rows = [
    ...entries.map((entry) => ({ at: entry.at, row: <ActionRow key={entry.id} entry={entry} /> })),
    ...latestOfEach(alerts).map(({ alert, count }) => ({
      at: alert.startsAt,
      row: <AlertLine key={alert.id} alert={alert} count={count} />,
    })),
  ];
  return rows
    .sort((a, b) => b.at.localeCompare(a.at))
    .slice(0, mostRows)
    .map(({ row }) => row);
}

/** Each alert once, by its newest episode, so that one that comes and goes does not push the rest off the list. */
function latestOfEach(alerts: AlertRow[]): { alert: AlertRow; count: number }[] {
  const latest = new Map<string, { alert: AlertRow; count: number }>();
  for (const alert of alerts) {
    const key = `${alert.source} ${alert.fingerprint}`;
    const known = latest.get(key);
    if (!known) latest.set(key, { alert, count: 1 });
    else latest.set(key, { alert: known.alert.startsAt < alert.startsAt ? alert : known.alert, count: known.count + 1 });
  }
  return [...latest.values()];
}

function ActionRow({ entry }: { entry: AuditView }) {
  return (
    <li className="border-b">
      <Link href={`/audit?entry=${entry.id}`} className={look}>
        <TimeAgo at={entry.at} className="text-ink-3" />
        <OutcomeStatus outcome={entry.outcome} />
        <span className="truncate">
          {auditWords(entry)} <span className="name font-medium">{entry.target}</span>
        </span>
        <span className="truncate text-ink-2 max-md:hidden">{entry.actor}</span>
        <span className="truncate text-ink-2 max-md:hidden">{entry.error?.message ?? entry.reason}</span>
      </Link>
    </li>
  );
}

function AlertLine({ alert, count }: { alert: AlertRow; count: number }) {
  return (
    <li className="border-b">
      <Link href={`/alerts/${alert.id}`} className={look}>
        <TimeAgo at={alert.startsAt} className="text-ink-3" />
        <AlertStanding standing={alert.standing} />
        <span className="flex min-w-0 items-center gap-1.5">
          <SeverityShape severity={alert.severity} />
          <span className="name truncate font-medium">{alert.name}</span>
          {count > 1 && <span className="shrink-0 text-ink-3">{count}×</span>}
        </span>
        <span className="name truncate text-ink-2 max-md:hidden">{alert.service}</span>
        <span className="truncate text-ink-2 max-md:hidden">{sentenceOf(alert)}</span>
      </Link>
    </li>
  );
}
