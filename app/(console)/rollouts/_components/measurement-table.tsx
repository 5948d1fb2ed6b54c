import { exactFigure, formatFigure } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { Unit } from "#lib/domain/metrics/schemas.ts";
import type { MeasurementView } from "#lib/domain/rollouts/schemas.ts";
import { Verdict } from "./verdict.tsx";

/** All that is known of each measurement, newest first: for screen readers, for copying, and for who doubts a verdict. */
export function MeasurementTable({
  title,
  unit,
  measurements,
}: {
  title: string;
  unit: Unit;
  measurements: readonly MeasurementView[];
}) {
  const figure = (value: number | null, of = unit) => (
    <td className="px-2 text-right" title={exactFigure(value, of)}>
      {formatFigure(value, of)}
    </td>
  );
  return (
    <section
      className="scroll-thin h-37 overflow-auto rounded-sm border text-xs"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keyboard
      tabIndex={0}
      aria-label={`${title}, measurements`}
    >
      <table className="w-full whitespace-nowrap">
        <thead className="sticky top-0 bg-sunken text-ink-3">
          <tr>
            <th className="px-2 text-left font-medium">Time</th>
            <th className="px-2 text-left font-medium">Verdict</th>
            <th className="px-2 text-right font-medium">Candidate</th>
            <th className="px-2 text-right font-medium">Stable</th>
            <th className="px-2 text-right font-medium">Limit</th>
            <th className="px-2 text-right font-medium">Samples</th>
            <th className="px-2 text-left font-medium">Why</th>
          </tr>
        </thead>
        <tbody>
          {measurements.toReversed().map((each) => (
            <tr key={each.id} className="border-t">
              <td className="px-2 text-ink-2" title={formatAbsolute(each.at)}>
                {formatClock(each.at)}
              </td>
              <td className="px-2">
                <Verdict verdict={each.verdict} />
              </td>
              {figure(each.value)}
              {figure(each.stable)}
              {figure(each.limit)}
              <td className="px-2 text-right">
                {formatFigure(each.samples, "count")}
                {each.stableSamples !== null && (
                  <span className="text-ink-3"> / {formatFigure(each.stableSamples, "count")}</span>
                )}
              </td>
              <td className="px-2 text-ink-2">
                {each.message}
                {each.test && <span className="text-ink-3"> {testWords(each.test)}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The named test with its figures, for whoever checks it: "Mann-Whitney U: p = 0.012, Cliff's delta 0.34". */
export function testWords({ name, pValue, effect, effectName }: NonNullable<MeasurementView["test"]>): string {
  const p = pValue < 0.001 ? "p < 0.001" : `p = ${pValue.toFixed(3)}`;
  return `${name}: ${p}, ${effectName} ${Number(effect.toPrecision(2))}`;
}
