"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { auditWords } from "#lib/client/action-texts.ts";
import { lastHourQuery } from "#lib/client/audit.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { AuditView } from "#lib/domain/audit-schemas.ts";
import { TimeAgo, useNow } from "../../ui/clock.tsx";
import { Empty, ErrorNotice, Skeleton } from "../../ui/notices.tsx";
import { SectionHeader } from "../../ui/page-header.tsx";
import { OutcomeShape, OutcomeStatus } from "../../ui/status.tsx";

const hourMs = 3_600_000;

/** Everything that was done in the last hour, on one time line and as a list. */
export function LastHour() {
  const { data, error, refetch } = useQuery(lastHourQuery);
  const now = useNow();
  const entries = now === null ? [] : (data?.items.filter((entry) => now - Date.parse(entry.at) < hourMs) ?? []);
  return (
    <section aria-labelledby="last-hour">
      <SectionHeader id="last-hour" title="Last hour" aside={data ? countOf(entries.length, "action") : null}>
        <Link href="/audit" className="text-xs text-ink-2 hover:text-ink hover:underline">
          All of the audit
        </Link>
      </SectionHeader>
      {error && !data ? (
        <ErrorNotice className="m-4" what="The ledger could not be read" error={error} onRetry={() => refetch()} />
      ) : !data || now === null ? (
        <Skeleton className="m-4 h-10" />
      ) : entries.length === 0 ? (
        <Empty title="Nothing was changed in the last hour">
          Every scale, rollout and rollback appears here, with who did it and why.
        </Empty>
      ) : (
        <>
          <TimeLine entries={entries} now={now} />
          <ol>
            {entries.slice(0, 12).map((entry) => (
              <li key={entry.id} className="border-b">
                <Link
                  href={`/audit?entry=${entry.id}`}
                  className="grid h-8 grid-cols-[5rem_7rem_1fr] items-center gap-3 px-4 hover:bg-hover md:grid-cols-[5rem_7rem_10rem_14rem_1fr]"
                >
                  <TimeAgo at={entry.at} className="text-ink-3" />
                  <OutcomeStatus outcome={entry.outcome} />
                  <span className="truncate">
                    {auditWords(entry)} <span className="name font-medium">{entry.target}</span>
                  </span>
                  <span className="truncate text-ink-2 max-md:hidden">{entry.actor}</span>
                  <span className="truncate text-ink-2 max-md:hidden">{entry.error?.message ?? entry.reason}</span>
                </Link>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function TimeLine({ entries, now }: { entries: AuditView[]; now: number }) {
  const quarters = [60, 45, 30, 15, 0];
  return (
    <div className="border-b px-4 pb-1.5 pt-3">
      <div className="relative mx-2 h-5 border-b border-line-strong">
        {entries.map((entry) => (
          <Link
            key={entry.id}
            href={`/audit?entry=${entry.id}`}
            aria-label={`${auditWords(entry)} ${entry.target}, ${entry.outcome}, ${formatClock(entry.at)}`}
            title={`${auditWords(entry)} ${entry.target} · ${entry.outcome} · ${entry.actor} · ${formatAbsolute(entry.at)}`}
            className="absolute -bottom-[5px] grid size-4 -translate-x-1/2 place-items-center rounded-full bg-canvas p-0.5 hover:z-10 hover:scale-125"
            style={{ left: `${(1 - (now - Date.parse(entry.at)) / hourMs) * 100}%` }}
          >
            <OutcomeShape outcome={entry.outcome} />
          </Link>
        ))}
      </div>
      <div aria-hidden="true" className="relative mx-2 mt-1.5 h-4 text-2xs text-ink-3">
        {quarters.map((minutes) => (
          <span
            key={minutes}
            className="absolute -translate-x-1/2 whitespace-nowrap first:translate-x-0 last:-translate-x-full"
            style={{ left: `${100 - (minutes / 60) * 100}%` }}
          >
            {formatClock(now - minutes * 60_000, { seconds: false })}
          </span>
        ))}
      </div>
    </div>
  );
}
