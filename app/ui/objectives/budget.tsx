"use client";
import { indicatorTone } from "#lib/client/objectives.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { IndicatorState } from "#lib/domain/objectives/schemas.ts";
import { cn } from "../class-names.ts";

const fills = { good: "bg-good-fill", warn: "bg-warn-fill", bad: "bg-bad-fill", unknown: "bg-line-strong" };
const texts = { good: "", warn: "font-medium text-warn", bad: "font-medium text-bad", unknown: "text-ink-3" };

/** How much of an error budget is left, as a word and a bar. */
export function Budget({ indicator }: { indicator: IndicatorState }) {
  const { budgetLeft, requests, exhaustedInSeconds } = indicator;
  const tone = indicatorTone(indicator);
  if (budgetLeft === null) {
    return (
      <span className="text-ink-3" title={requests === null ? "Prometheus has no data for it." : "No requests in this window."}>
        no data
      </span>
    );
  }
  const percent = Math.round(budgetLeft * 100);
  const end = exhaustedInSeconds === null ? "It lasts at the rate of the last hour." : endWords(exhaustedInSeconds);
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap max-md:gap-1 align-middle leading-none" title={end}>
      <span aria-hidden="true" className="h-1 w-12 overflow-hidden max-md:w-6 rounded-full bg-line">
        <span
          className={cn("block h-full rounded-full transition-[width] duration-500", fills[tone])}
          style={{ width: `${Math.min(100, Math.max(percent, percent > 0 ? 4 : 0))}%` }}
        />
      </span>
      <span className={texts[tone]}>{leftWords(budgetLeft)}</span>
    </span>
  );
}

/** "37 % left", "20 % over"; an overdraft of ten budgets and more in budgets. */
function leftWords(budgetLeft: number): string {
  const percent = Math.round(budgetLeft * 100);
  if (percent >= 0) return `${percent} % left`;
  return percent > -1000 ? `${-percent} % over` : `${Math.round(-budgetLeft)}× over`;
}

/** When a budget will be gone at the present rate. */
export function endWords(seconds: number): string {
  return seconds === 0 ? "It is spent." : `Gone in ${formatDuration(seconds * 1000)} at the rate of the last hour.`;
}

/** A burn rate: 1 spends the budget exactly over the window. */
export function Burn({ rate, limit }: { rate: number | null; limit: number }) {
  if (rate === null) return <span className="text-ink-3">–</span>;
  const shown = rate >= 100 ? Math.round(rate) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);
  return (
    <span
      title={`${rate} times what the budget allows; alerts begin at ${limit}`}
      className={cn(rate > limit && "font-medium text-bad")}
    >
      {shown}×
    </span>
  );
}
