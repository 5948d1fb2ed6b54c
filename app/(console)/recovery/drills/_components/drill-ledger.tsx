"use client";
import type { ReactNode } from "react";
import { spanWords } from "#lib/client/recovery-view.ts";
import { formatClockMs } from "#lib/client/time.ts";
import type { DrillReport } from "#lib/domain/recovery/drills/schemas.ts";
import { useIsLive } from "../../../../ui/clock.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";

type Properties = Pick<DrillReport, "ledger" | "measure"> & { isRunning: boolean };

/** The account of acknowledged writes, which was kept outside of what failed, and how exact the measure is. */
export function DrillLedger({ ledger, measure: { consecutive, intervalMs }, isRunning }: Properties) {
  const isLive = useIsLive();
  const time = (at: string | null) => (at === null ? "–" : isLive ? formatClockMs(at) : "");
  const rows: [string, ReactNode][] = ledger
    ? [
        ["Acknowledged to clients", ledger.acknowledged.toLocaleString("en-US")],
        [
          "Lost of them",
          <span key="lost" className={ledger.lost > 0 ? "font-medium text-bad" : undefined}>
            {ledger.lost.toLocaleString("en-US")}
          </span>,
        ],
        ["There more than once", ledger.duplicated.toLocaleString("en-US")],
        ["Last acknowledged before the fault", time(ledger.lastAcknowledgedAt)],
        ["Newest that is there without a gap before it", time(ledger.newestSurvivingAt)],
      ]
    : [];
  return (
    <section aria-labelledby="ledger">
      <SectionHeader id="ledger" title="Ledger of writes" aside="kept outside of what failed" />
      {ledger ? (
        <dl className="px-4 py-2">
          {rows.map(([name, value]) => (
            <div key={name} className="flex justify-between gap-4">
              <dt className="text-ink-2">{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="px-4 py-2 text-ink-3">
          {isRunning ? "It is read once things are back." : "None was kept: nothing can be said about lost writes."}
        </p>
      )}
      <p className="px-4 pb-2 text-xs text-ink-3">
        A probe every {spanWords(intervalMs)}; {consecutive} successes in a row count as recovered.
      </p>
    </section>
  );
}
