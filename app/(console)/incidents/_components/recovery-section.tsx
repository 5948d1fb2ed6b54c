"use client";
import { recoverySentence } from "#lib/client/incident-view.ts";
import { formatAbsolute, formatClock, formatDuration } from "#lib/client/time.ts";
import type { IncidentDetail, Recovery } from "#lib/domain/incidents/schemas.ts";
import { useIsLive } from "../../../ui/clock.tsx";
import { Figure, Tint } from "../../../ui/figure.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { RecoveryChart } from "./recovery-chart.tsx";

/** Whether what was harmed works again, by a synthetic client's data and not by the alert, which lags behind. */
export function RecoverySection({ incident }: { incident: IncidentDetail }) {
  const { recovery } = incident;
  return (
    <section aria-labelledby="recovery" className="min-w-0">
      <SectionHeader
        id="recovery"
        title="Recovery"
        aside={recovery && `${recovery.indicator.title} of ${recovery.service.split("/")[1]}, over ${recovery.windowSeconds} s`}
      />
      {recovery ? (
        <Watched recovery={recovery} incident={incident} />
      ) : (
        <p className="border-b px-4 py-2 text-ink-2">
          No indicator is watched: nothing linked to it has one that a synthetic client measures. Whether it is over is a person's
          to judge.
        </p>
      )}
    </section>
  );
}

const shapes = { good: "healthy", bad: "down", unknown: "unknown" } as const;
const words = { good: "Good now", bad: "Bad now", unknown: "Unknown" } as const;

function Watched({ recovery, incident }: { recovery: Recovery; incident: IncidentDetail }) {
  const { indicator, before, during, now, after, state, recoveredAt } = recovery;
  const isBad = (value: number | null) =>
    value !== null && (indicator.bad === "above" ? value > indicator.limit : value < indicator.limit);
  const figures: [string, number | null][] = [
    ["Before", before],
    ["During", during],
    recoveredAt === null ? ["Now", now] : ["After", after ?? now],
  ];
  return (
    <div className="border-b">
      <dl className="grid grid-cols-3 px-4 pt-2">
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
      <p role="status" aria-live="polite" className="flex items-start gap-1.5 px-4 py-1.5">
        <span className="mt-1.5 leading-none" title={words[state]}>
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
      <div className="px-2 pb-2">
        <RecoveryChart
          recovery={recovery}
          marks={[
            { at: incident.clock.impactStartedAt, label: "impact", color: "var(--bad-fill)" },
            ...(recoveredAt === null ? [] : [{ at: recoveredAt, label: "recovered", color: "var(--good-fill)" }]),
          ]}
        />
      </div>
    </div>
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
