"use client";
import Link from "next/link";
import { auditWords } from "#lib/client/action-texts.ts";
import { lanesOf } from "#lib/client/alert-lanes.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { AuditView } from "#lib/domain/audit-schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { severityFill, severityWord } from "../../ui/severity.tsx";
import { OutcomeShape } from "../../ui/status.tsx";

const hourMs = 3_600_000;
const quarters = [60, 45, 30, 15, 0];
const laneHeight = 7;
const mostLanes = 6;
/** A span is drawn at least this long, or it could be neither seen nor pointed at. */
const shortestMs = 20_000;

/** The last hour from left to right: alerts as bars for as long as they fired, actions as marks below them. */
export function TimeLine({ entries, alerts, now }: { entries: AuditView[]; alerts: AlertRow[]; now: number }) {
  const share = (time: number) => Math.min(1, Math.max(0, 1 - (now - time) / hourMs));
  const spans = alerts.map((alert) => {
    const from = Math.max(Date.parse(alert.startsAt), now - hourMs);
    return { alert, from, to: Math.max(alert.endsAt ? Date.parse(alert.endsAt) : now, from + shortestMs) };
  });
  const placed = lanesOf(spans, mostLanes, shortestMs);
  const lanes = placed.reduce((most, { lane }) => Math.max(most, lane + 1), 0);
  return (
    <div className="border-b px-4 pb-1.5 pt-3">
      <div className="relative mx-2 border-b border-line-strong" style={{ height: 20 + lanes * laneHeight }}>
        {placed.map(({ span: { alert, from, to }, lane }) => (
          <Link
            key={alert.id}
            href={`/alerts/${alert.id}`}
            aria-label={`${alert.name} ${alert.service ?? ""}, ${severityWord(alert.severity)}, ${alert.standing}, from ${formatClock(alert.startsAt)}`}
            title={`${alert.name}${alert.service ? ` · ${alert.service}` : ""} · ${severityWord(alert.severity)} · ${alert.standing} · from ${formatAbsolute(alert.startsAt)}${alert.endsAt ? `, ${formatDuration(Date.parse(alert.endsAt) - Date.parse(alert.startsAt))}` : ""}`}
            className="absolute h-[5px] rounded-full hover:brightness-125 hover:outline hover:outline-1 hover:outline-ink"
            style={{
              left: `${share(from) * 100}%`,
              width: `${Math.max(0.2, (share(to) - share(from)) * 100)}%`,
              top: lane * laneHeight,
              background: severityFill(alert.severity),
              opacity: alert.standing === "silenced" || alert.standing === "inhibited" ? 0.4 : 1,
            }}
          />
        ))}
        {entries.map((entry) => (
          <Link
            key={entry.id}
            href={`/audit?entry=${entry.id}`}
            aria-label={`${auditWords(entry)} ${entry.target}, ${entry.outcome}, ${formatClock(entry.at)}`}
            title={`${auditWords(entry)} ${entry.target} · ${entry.outcome} · ${entry.actor} · ${formatAbsolute(entry.at)}`}
            className="absolute -bottom-[5px] grid size-4 -translate-x-1/2 place-items-center rounded-full bg-canvas p-0.5 hover:z-10 hover:scale-125"
            style={{ left: `${share(Date.parse(entry.at)) * 100}%` }}
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
