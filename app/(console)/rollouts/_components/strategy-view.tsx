"use client";
import { Hand } from "lucide-react";
import { useCallback, useState } from "react";
import { countOf } from "#lib/client/numbers.ts";
import { isOver } from "#lib/client/rollouts.ts";
import type { Hold } from "#lib/domain/rollouts/engine/run.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { Elapsed } from "../../../ui/clock.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { AnalysisSection } from "./analysis-section.tsx";
import { CheckedBefore } from "./checked-before.tsx";
import { RolloutCharts } from "./rollout-charts.tsx";
import { CheckShape, RolloutEvents } from "./rollout-events.tsx";
import { StepTimeline } from "./step-timeline.tsx";
import { TrafficShare } from "./traffic-share.tsx";
import { useTableKey } from "./use-table-key.ts";

/** A rollout with a strategy: where it is, who gets the traffic, what was measured, what happened. */
export function StrategyView({ rollout }: { rollout: RolloutDetail }) {
  const [asTables, setAsTables] = useState(false);
  const toggleTables = useCallback(() => setAsTables((held) => !held), []);
  useTableKey(toggleTables);
  const hasCandidate = rollout.strategy !== "rolling";
  return (
    <>
      {rollout.hold && !isOver(rollout.state) && <HoldNotice hold={rollout.hold} />}
      <ChecksAfterwards rollout={rollout} />
      <CheckedBefore id={rollout.id} />
      <div className="grid border-b lg:grid-cols-2">
        <section aria-labelledby="steps" className="min-w-0 max-lg:border-b lg:border-r">
          <SectionHeader id="steps" title="Steps" />
          <StepTimeline steps={rollout.steps} isHeld={rollout.state === "paused"} />
        </section>
        <div className="min-w-0">
          {hasCandidate && (
            <section aria-labelledby="traffic" className="border-b">
              <SectionHeader id="traffic" title="Traffic" />
              <TrafficShare rollout={rollout} />
            </section>
          )}
          <section aria-labelledby="events">
            <SectionHeader id="events" title="Events" />
            <RolloutEvents events={rollout.events} />
          </section>
        </div>
      </div>
      <AnalysisSection rollout={rollout} asTables={asTables} onToggleTables={toggleTables} />
      {hasCandidate && <RolloutCharts rollout={rollout} asTables={asTables} />}
    </>
  );
}

const holdTitles: Record<Hold["cause"], string> = {
  person: "Paused by a person",
  "foreign-change": "Somebody else changed it",
  inconclusive: "The analysis gives no verdict",
  autoscaler: "The autoscaler is moving",
  failed: "It failed, and stays where it is",
};

/** What ends it; of a foreign change the message says it. */
const holdEnds: Record<Hold["cause"], string> = {
  person: "It goes on when somebody resumes it.",
  "foreign-change": "",
  inconclusive: "It goes on once there is enough data, or when somebody resumes it.",
  autoscaler: "It goes on by itself once that is over.",
  failed: "Abort it to go back, or resume it to go on all the same.",
};

/** Why it stands still, since when, and what lets it go on. */
function HoldNotice({ hold: { cause, message, since } }: { hold: Hold }) {
  return (
    <div role="status" className="flex items-start gap-2.5 border-b bg-warn-soft px-4 py-2">
      <Hand aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-warn" />
      <div>
        <p className="font-medium text-warn">
          {holdTitles[cause]}, for <Elapsed from={since} to={null} />
        </p>
        <p className="text-ink-2">{message}</p>
        {holdEnds[cause] && <p className="text-xs text-ink-3">{holdEnds[cause]}</p>}
      </div>
    </div>
  );
}

/** What was looked at by itself when it was over: the failures in words, the rest as a number. */
function ChecksAfterwards({ rollout: { events, startedAt } }: { rollout: RolloutDetail }) {
  const checks = events.filter(({ check, at }) => check !== null && at >= startedAt);
  if (checks.length === 0) return null;
  const open = checks.filter(({ check }) => check !== "passed");
  const passed = checks.length - open.length;
  return (
    <section aria-label="Checks afterwards" className="flex flex-wrap gap-x-5 gap-y-1 border-b px-4 py-2">
      {passed > 0 && (
        <p className="inline-flex items-center gap-1.5">
          <CheckShape check="passed" /> {countOf(passed, "check")} afterwards passed
        </p>
      )}
      {open.map(({ id, check, message }) => (
        <p
          key={id}
          className={
            check === "failed" ? "inline-flex items-center gap-1.5 text-bad" : "inline-flex items-center gap-1.5 text-ink-2"
          }
        >
          {check && <CheckShape check={check} />} {message}
        </p>
      ))}
    </section>
  );
}
