import { figureKeys, figureNames } from "#lib/client/incident-view.ts";
import { countOf, noFigure } from "#lib/client/numbers.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { FigureSummary, TrendRow } from "#lib/domain/incidents/trends/schemas.ts";
import type { Column } from "../data-table.tsx";

export const shownWords =
  "median, and after the stroke p90 (the least that nine of ten do not exceed); on hover n, mean and what is not known";

export const mtbfWords =
  "MTBF: the time between P1 and P2, their downtime taken off, since the service is there; P3 and P4 are no downtime";

/** A duration in seconds, or that there is none. */
export const figureWords = (seconds: number | null) => (seconds === null ? noFigure : formatDuration(seconds * 1000));

export const drillsWords = (count: number) => (count === 0 ? "no drills among them" : `${countOf(count, "drill")} left out`);

/** Of how many a figure is left out, and why. */
export function leftOutWords({ missing, pending }: Pick<FigureSummary, "missing" | "pending">): string[] {
  return [...(missing > 0 ? [`${missing} not known and left out`] : []), ...(pending > 0 ? [`${pending} still open`] : [])];
}

/** The figures of a table's row. */
export const figureColumns: Column<TrendRow>[] = [
  { id: "incidents", header: "Incidents", width: "w-20", align: "right", essential: true, cell: ({ incidents }) => incidents },
  ...figureKeys.map(
    (key): Column<TrendRow> => ({
      id: key,
      header: figureNames[key].short,
      align: "right",
      essential: key === "ttr",
      cell: ({ figures }) => <SmallFigure summary={figures[key]} />,
    }),
  ),
];

const SmallFigure = ({ summary }: { summary: FigureSummary }) => (
  <span title={[`n ${summary.n}, mean ${figureWords(summary.mean)}`, ...leftOutWords(summary)].join(", ")}>
    {figureWords(summary.median)}
    {summary.p90 !== null && <span className="text-ink-3"> / {figureWords(summary.p90)}</span>}
  </span>
);

/** Time to detect, acknowledge, mitigate and resolve, side by side. */
export function BigFigures({ figures }: Pick<TrendRow, "figures">) {
  return (
    <dl className="grid grid-cols-2 border-b xl:grid-cols-4">
      {figureKeys.map((key) => (
        <BigFigure key={key} name={figureNames[key]} summary={figures[key]} />
      ))}
    </dl>
  );
}

function BigFigure({ name, summary }: { name: { short: string; long: string }; summary: FigureSummary }) {
  return (
    <div className="border-r border-b px-4 py-3 xl:border-b-0">
      <dt className="text-xs text-ink-3" title={name.long}>
        <span className="font-medium text-ink-2">{name.short}</span> {name.long.split(":")[0]?.toLowerCase()}
      </dt>
      <dd>
        <span className="text-xl font-semibold tracking-[-0.015em]">{figureWords(summary.median)}</span>{" "}
        <span className="text-ink-3">median</span>
        <span className="block text-ink-2">
          <span className="whitespace-nowrap">p90 {figureWords(summary.p90)},</span>{" "}
          <span className="whitespace-nowrap">mean {figureWords(summary.mean)}</span>
        </span>
        <span className="block text-xs text-ink-3">{[`n ${summary.n}`, ...leftOutWords(summary)].join(", ")}</span>
      </dd>
    </div>
  );
}
