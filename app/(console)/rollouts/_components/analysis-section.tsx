"use client";
import { Table2 } from "lucide-react";
import { useMemo } from "react";
import { budgetWords, byMetric } from "#lib/client/rollout-view.ts";
import { isOver } from "#lib/client/rollouts.ts";
import type { MeasurementView, RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { MeasurementChart } from "./measurement-chart.tsx";
import { MeasurementTable, testWords } from "./measurement-table.tsx";
import { metricInfo } from "./metric-info.ts";
import { trackColors } from "./track.ts";
import { Verdict } from "./verdict.tsx";

type Budget = RolloutDetail["budget"][number];

/** What was measured of the candidate: each metric with its verdicts, its limit and what its budget still bears. */
export function AnalysisSection({
  rollout,
  asTables,
  onToggleTables,
}: {
  rollout: Pick<RolloutDetail, "measurements" | "budget" | "state" | "startedAt">;
  asTables: boolean;
  onToggleTables: () => void;
}) {
  const { measurements } = rollout;
  const budget = isOver(rollout.state) ? [] : rollout.budget;
  const groups = useMemo(() => byMetric(measurements), [measurements]);
  const unmeasured = budget.filter(({ metric }) => !groups.some(([name]) => name === metric));
  if (groups.length === 0 && unmeasured.length === 0) return null;
  return (
    <section aria-labelledby="analysis">
      <SectionHeader id="analysis" title="Analysis" aside={<Legend />}>
        <Button
          size="small"
          look="ghost"
          aria-keyshortcuts="t"
          aria-pressed={asTables}
          onClick={onToggleTables}
          disabledReason={groups.length === 0 ? "Nothing has been measured yet." : null}
        >
          <Table2 aria-hidden="true" /> {asTables ? "Charts" : "Tables"}{" "}
          <kbd className="text-2xs text-ink-3 max-md:hidden">t</kbd>
        </Button>
      </SectionHeader>
      <div className="grid lg:grid-cols-2">
        {groups.map(([metric, group]) => (
          <Metric
            key={metric}
            metric={metric}
            measurements={group}
            budget={budget.find((each) => each.metric === metric) ?? null}
            since={rollout.startedAt}
            asTable={asTables}
          />
        ))}
        {unmeasured.map((each) => (
          <div key={each.metric} className="border-b px-4 py-2.5 lg:odd:border-r">
            <MetricHeader metric={each.metric} budget={each} last={null} />
            <p className="text-ink-3">Not measured yet.</p>
          </div>
        ))}
      </div>
    </section>
  );
}

const Legend = () => (
  <span className="inline-flex flex-wrap items-center gap-x-3">
    <LegendLine color={trackColors.candidate} name="candidate" />
    <LegendLine color={trackColors.stable} name="stable" />
    <span className="inline-flex items-center gap-1">
      <span aria-hidden="true" className="w-3 border-t border-dashed border-bad-fill" /> limit
    </span>
  </span>
);

export const LegendLine = ({ color, name }: { color: string; name: string }) => (
  <span className="inline-flex items-center gap-1">
    <span aria-hidden="true" className="h-0.5 w-3 rounded-full" style={{ background: color }} /> {name}
  </span>
);

function Metric({
  metric,
  measurements,
  budget,
  since,
  asTable,
}: {
  metric: string;
  measurements: MeasurementView[];
  budget: Budget | null;
  /** When the present attempt began: what was measured before it is kept in the table. */
  since: string;
  asTable: boolean;
}) {
  const present = measurements.filter(({ at }) => at >= since);
  const last = present.at(-1) ?? null;
  const { title, unit } = metricInfo(metric);
  return (
    <section aria-label={title} className="min-w-0 border-b px-4 pb-2 pt-2.5 lg:odd:border-r">
      <MetricHeader metric={metric} budget={budget} last={last} />
      {asTable ? (
        <MeasurementTable title={title} unit={unit} measurements={measurements} />
      ) : present.length > 0 ? (
        <MeasurementChart title={title} unit={unit} measurements={present} />
      ) : (
        <p className="text-ink-3">Not measured yet since it was retried; the table has what was measured before.</p>
      )}
      {last && (
        <p className={cn("mt-1 text-xs", last.verdict === "bad" ? "text-bad" : "text-ink-2")}>
          {last.message}
          {last.test && <span className="text-ink-3"> {testWords(last.test)}.</span>}
        </p>
      )}
    </section>
  );
}

function MetricHeader({ metric, budget, last }: { metric: string; budget: Budget | null; last: MeasurementView | null }) {
  const { title, about } = metricInfo(metric);
  return (
    <header className="flex min-h-6 flex-wrap items-center gap-x-3">
      <h3 className="font-medium" title={about}>
        {title}
      </h3>
      {last && <Verdict verdict={last.verdict} className="text-xs" />}
      {budget && (
        <span
          className={cn(
            "ml-auto inline-flex items-center gap-2 text-xs",
            budget.left > 0 ? "text-ink-2" : "font-medium text-warn",
          )}
        >
          <BudgetPips {...budget} />
          {budgetWords(budget)}
        </span>
      )}
    </header>
  );
}

const mostPips = 10;

/** One mark for each bad measurement that the budget bears, those that are left filled; the words beside it say the same. */
function BudgetPips({ left, of }: Budget) {
  if (of === 0 || of > mostPips) return null;
  return (
    <span aria-hidden="true" className="flex gap-0.5">
      {Array.from({ length: of }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a mark is its place
        <span key={index} className={cn("h-2 w-1.5 rounded-xs", index < left ? "bg-good-fill" : "bg-line-strong")} />
      ))}
    </span>
  );
}
