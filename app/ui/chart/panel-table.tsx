import { rowsOf } from "#lib/client/chart.ts";
import { formatDelta } from "#lib/client/chart-marks.ts";
import { exactFigure, formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute, formatAxisTime, formatClock } from "#lib/client/time.ts";
import { comparisonNames } from "#lib/client/time-range.ts";
import type { Comparison, Panel } from "#lib/domain/metrics/schemas.ts";

/** The data of a chart as a table, newest first: for screen readers and for copying. */
export function PanelTable({ panel, compare }: { panel: Panel; compare: Comparison | null }) {
  const compared = panel.series.map(({ name }) => panel.compared?.find((each) => each.name === name) ?? null);
  const hasBefore = compare !== null && compared.some((each) => each !== null);
  const rows = rowsOf([...panel.series, ...compared.map((each) => each ?? { name: "", points: [] })]).reverse();
  const isLong = (rows[0]?.time ?? 0) - (rows.at(-1)?.time ?? 0) > 86_400;
  const count = panel.series.length;
  const text = (value: number | null | undefined) =>
    panel.states?.find((state) => state.value === value)?.label ?? formatFigure(value, panel.unit);
  return (
    <section
      className="scroll-thin h-37 overflow-auto rounded-sm border text-xs"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keyboard
      tabIndex={0}
      aria-label={`${panel.title}, values`}
    >
      <table className="w-full">
        <thead className="sticky top-0 bg-sunken text-ink-3">
          <tr>
            <th className="px-2 text-left font-medium">Time</th>
            {panel.series.map(({ name }) => (
              <th key={name} colSpan={hasBefore ? 3 : 1} className="truncate px-2 text-right font-medium">
                {name}
                {hasBefore && compare && <span className="font-normal"> / {comparisonNames[compare]}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time} className="border-t">
              <td className="whitespace-nowrap px-2 text-ink-2" title={formatAbsolute(time * 1000)}>
                {isLong && `${formatAxisTime(time, 3 * 86_400)} `}
                {formatClock(time * 1000)}
              </td>
              {panel.series.map(({ name }, index) => {
                const [value, before] = [values[index], values[count + index]];
                return [
                  <td key={name} className="px-2 text-right" title={exactFigure(value, panel.unit)}>
                    {text(value)}
                  </td>,
                  hasBefore && (
                    <td key={`${name} before`} className="px-2 text-right text-ink-3" title={exactFigure(before, panel.unit)}>
                      {text(before)}
                    </td>
                  ),
                  hasBefore && (
                    <td key={`${name} change`} className="whitespace-nowrap px-2 text-right text-ink-2">
                      {formatDelta(before, value) ?? ""}
                    </td>
                  ),
                ];
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
