"use client";
import Link from "next/link";
import { recoverySentence } from "#lib/client/incident-view.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { IncidentDetail, Recovery } from "#lib/domain/incidents/schemas.ts";
import { useIsLive } from "../../../ui/clock.tsx";
import { Figure, Tint } from "../../../ui/figure.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { type Mark, RecoveryChart } from "./recovery-chart.tsx";
import { VerdictLine } from "./verdict-line.tsx";

/** Whether what was harmed works again, by a synthetic client's data and not by the alert, which lags behind. */
export function RecoverySection({ incident }: { incident: IncidentDetail }) {
  const { recoveries, verdicts, services } = incident;
  const good = recoveries.filter(({ state }) => state === "good").length;
  const [first] = recoveries;
  return (
    <section aria-labelledby="recovery" className="min-w-0">
      <SectionHeader
        id="recovery"
        title="Recovery"
        aside={first && (services.length > 1 ? `${good} of ${services.length} services good` : `over ${first.windowSeconds} s`)}
      />
      {verdicts.length > 0 && (
        <ul className="border-b py-1" aria-label="What was done against it">
          {verdicts.map((verdict) => (
            <li key={verdict.actionId} className="px-4 py-0.5">
              <VerdictLine verdict={verdict} />
            </li>
          ))}
        </ul>
      )}
      {recoveries.map((recovery) => (
        <Watched key={recovery.service} recovery={recovery} incident={incident} isOpen={recovery === first} />
      ))}
      {recoveries.length === 0 && (
        <p className="border-b px-4 py-2 text-ink-2">
          {services.length === 0
            ? "The incident names no service, so nothing is measured. Name one by Edit, else whether it is over is a person's to judge."
            : "Nothing has been measured yet."}
        </p>
      )}
    </section>
  );
}

const shapes = { good: "healthy", bad: "down", unknown: "unknown" } as const;
const words = { good: "Good", bad: "Bad", unknown: "Unknown" } as const;

type WatchedProps = { recovery: Recovery; incident: IncidentDetail; isOpen: boolean };

function Watched({ recovery, incident, isOpen }: WatchedProps) {
  const { service, indicator, state, recoveredAt, others } = recovery;
  const marks: Mark[] = [
    { at: incident.clock.impactStartedAt, label: "impact", color: "var(--bad-fill)" },
    ...(recoveredAt === null ? [] : [{ at: recoveredAt, label: "recovered", color: "var(--good-fill)" }]),
  ];
  return (
    <div className="border-b">
      <h3 className="flex items-baseline gap-2 px-4 pt-2">
        <Link href={`/fleet/${service}`} className="name font-medium hover:underline" title={service}>
          {service.split("/")[1]}
        </Link>
        <span className="min-w-0 truncate text-xs text-ink-3" title={indicator.title}>
          {indicator.title}
        </span>
      </h3>
      <Figures recovery={recovery} />
      <p role="status" aria-live="polite" className="flex items-start gap-1.5 px-4 py-1.5">
        <span className="mt-1.5 leading-none" title={`${words[state]} now`}>
          <StatusShape health={shapes[state]} />
        </span>
        <span>
          {recoveredAt !== null && (
            <span className="font-medium text-good">
              Recovered at <At at={recoveredAt} />,{" "}
              {formatDuration(Date.parse(recoveredAt) - Date.parse(incident.clock.impactStartedAt))} after the impact began.{" "}
            </span>
          )}
          {recoverySentence(recovery)}
        </span>
      </p>
      {others.length > 0 && <Others others={others} />}
      {isOpen ? (
        <div className="px-2 pb-2">
          <RecoveryChart recovery={recovery} marks={marks} />
        </div>
      ) : (
        <details className="px-4 pb-2 text-xs">
          <summary className="cursor-pointer text-ink-3">Its course</summary>
          <RecoveryChart recovery={recovery} marks={marks} />
        </details>
      )}
    </div>
  );
}

function Figures({ recovery: { indicator, before, during, now, after, recoveredAt } }: { recovery: Recovery }) {
  const isBad = (value: number | null) =>
    value !== null && (indicator.bad === "above" ? value > indicator.limit : value < indicator.limit);
  const figures: [string, number | null][] = [
    ["Before", before],
    ["During", during],
    recoveredAt === null ? ["Now", now] : ["After", after ?? now],
  ];
  return (
    <dl className="grid grid-cols-3 px-4 pt-1">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt className="text-2xs text-ink-3">{name}</dt>
          <dd className="text-lg font-semibold tracking-[-0.01em]">
            <Tint value={value}>
              <Figure value={value} unit={indicator.unit} alarm={isBad(value)} />
            </Tint>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The service's other indicators, for it is good only when all are. */
function Others({ others }: { others: Recovery["others"] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-0.5 px-4 pb-1.5 text-xs text-ink-2">
      {others.map(({ indicator, now, state }) => (
        <li key={indicator.name} className="flex items-baseline gap-1.5" title={indicator.title}>
          <StatusShape health={shapes[state]} />
          <span className="sr-only">{words[state]}: </span>
          {indicator.short} {formatFigure(now, indicator.unit)}
        </li>
      ))}
    </ul>
  );
}

// The server's zone is not the viewer's: the time is written once the page lives.
function At({ at }: { at: string }) {
  return !useIsLive() ? null : (
    <time dateTime={at} title={formatAbsolute(at)}>
      {formatClock(at)}
    </time>
  );
}
