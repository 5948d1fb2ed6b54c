"use client";
import { useQuery } from "@tanstack/react-query";
import { drillQuery, isDrilling } from "#lib/client/drills.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { ThingAnswer } from "../../../../ui/answer.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { ChecksTable } from "../../../../ui/recovery/checks-table.tsx";
import { DrillChart } from "./drill-chart.tsx";
import { DrillComparison } from "./drill-comparison.tsx";
import { DrillEvents } from "./drill-events.tsx";
import { DrillFigures } from "./drill-figures.tsx";
import { DrillHeader } from "./drill-header.tsx";
import { DrillLedger } from "./drill-ledger.tsx";
import { DrillPhases } from "./drill-phases.tsx";

export function DrillPage({ id }: { id: string }) {
  const query = useQuery(drillQuery(id));
  return (
    <ThingAnswer
      of={query}
      thing="drill"
      all="/recovery/drills"
      still="The page shows what was last read; the drill goes on without it, and cleans up."
    >
      {(detail) => <LoadedDrill detail={detail} />}
    </ThingAnswer>
  );
}

function LoadedDrill({ detail }: { detail: DrillDetail }) {
  const { drill, report, events } = detail;
  const isRunning = isDrilling(drill.state);
  const failed = report?.checks.filter(({ passed }) => !passed).length ?? 0;
  return (
    <>
      <DrillHeader detail={detail} />
      <DrillFigures detail={detail} />
      <section aria-labelledby="time-line" className="break-inside-avoid border-b">
        <SectionHeader
          id="time-line"
          title="Time line"
          aside={isRunning ? "live, from the fault" : "from the last success before the fault"}
        />
        {report ? (
          <>
            <DrillChart detail={detail} />
            <DrillPhases phases={report.phases} isRunning={isRunning} />
          </>
        ) : (
          <p className="px-4 py-3 text-ink-3">{isRunning ? "Nothing was measured yet." : "Nothing was measured."}</p>
        )}
      </section>
      <div className="grid border-b xl:grid-cols-2 print:block">
        <div className="min-w-0 xl:border-r">
          {report && <DrillLedger ledger={report.ledger} measure={report.measure} isRunning={isRunning} />}
          {report && report.checks.length > 0 && (
            <section aria-labelledby="checks" className="border-t">
              <SectionHeader
                id="checks"
                title="Checks"
                aside={failed > 0 ? `${failed} of ${countOf(report.checks.length, "check")} failed` : "all passed"}
              />
              <ChecksTable checks={report.checks} label="Checks" />
            </section>
          )}
          {report && report.limits.length > 0 && (
            <section aria-labelledby="limits" className="border-t">
              <SectionHeader id="limits" title="What it does not prove" />
              <ul className="list-disc px-4 py-2 pl-8 text-ink-2">
                {report.limits.map((limit) => (
                  <li key={limit}>{limit}</li>
                ))}
              </ul>
            </section>
          )}
        </div>
        <div className="min-w-0 max-xl:border-t">
          <DrillComparison detail={detail} />
          <section aria-labelledby="events" className="border-t">
            <SectionHeader id="events" title="Events" />
            <DrillEvents events={events} />
          </section>
        </div>
      </div>
    </>
  );
}
