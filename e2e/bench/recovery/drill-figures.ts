import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { toldAfterMs } from "../../drill-words.ts";
import { format, median, percentile, table } from "../figures.ts";

/** One scenario on one service, over and over. */
export type Series = {
  scenario: Scenario;
  subject: string;
  drills: DrillView[];
  /** Why it was not repeated as often as it was to be; null when it was. */
  endedBy: string | null;
  /** Incidents of other alerts that were resolved in between: a drill does not begin beside one. */
  resolved: string[];
};

const movedAway =
  "What has a single instance (hub, issuer) and ran on the node that was lost runs elsewhere from then on: the first drill is the one that loses such a service as well, later ones a replica of the relay.";

/** The distribution of what was measured beside the guides' objective, the verdicts, and each that did not meet it. Pure. */
export function describeSeries({ scenario, subject, drills, endedBy, resolved }: Series): string[] {
  const { title, objective } = scenarioInfos[scenario];
  const figures = (pick: (drill: DrillView) => number | null) => drills.map(pick).filter((value) => value !== null);
  const seconds = (pick: (drill: DrillView) => number | null) => figures(pick).map((ms) => ms / 1000);
  const rtoSeconds = seconds(({ rtoMs }) => rtoMs);
  const { rpoSeconds } = objective;
  const rows: [string, number[], string][] = [
    ["RTO (s)", rtoSeconds, `< ${objective.rtoSeconds}`],
    ["its error (± s)", seconds(({ errorMs }) => errorMs), ""],
    ["RPO (s)", seconds(({ rpoMs }) => rpoMs), rpoSeconds === 0 ? "0" : `< ${rpoSeconds}`],
    ["lost writes", figures(({ lostWrites }) => lostWrites), rpoSeconds === 0 ? "0" : ""],
    ["told after (s)", seconds(toldAfterMs), ""],
  ];
  const count = (verdict: DrillView["verdict"]) => drills.filter((drill) => drill.verdict === verdict).length;
  const others = drills.filter(({ verdict }) => verdict !== "met");
  return [
    `## ${title} of ${subject}`,
    table([
      ["", "n", "min", "median", "p90", "max", "objective"],
      ...rows.map(([name, values, wanted]) => [name, String(values.length), ...spread(values).map(format), wanted]),
    ]),
    `Verdicts: ${count("met")} met, ${count("missed")} missed, ${count("inconclusive")} inconclusive.`,
    ...(rtoSeconds.length > 0 ? [`RTO of each, in the order of the drills (s): ${rtoSeconds.map(format).join(", ")}.`] : []),
    ...(scenario === "node" ? [movedAway] : []),
    ...(resolved.length > 0 ? [`Resolved in between, for no drill begins beside an open incident: ${resolved.join("; ")}.`] : []),
    ...(others.length > 0
      ? [others.map(({ number, verdict, message }) => `* DR-${number}, ${verdict}: ${message}`).join("\n")]
      : []),
    ...(endedBy === null ? [] : [`It was repeated no further: ${endedBy}`]),
  ];
}

function spread(values: readonly number[]): (number | undefined)[] {
  if (values.length === 0) return [undefined, undefined, undefined, undefined];
  return [Math.min(...values), median(values), percentile(values, 0.9), Math.max(...values)];
}
