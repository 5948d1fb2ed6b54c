import type { PanelDefinition, PanelSet } from "./definitions.ts";
import { narrowExpression } from "./expression.ts";
import type { PanelQuery } from "./schemas.ts";

/** What tells the series of a service's own instances from those of its rollout's candidate; see describeTarget. */
const tracks = { stable: 'track=""', candidate: 'track="candidate"' } as const;

/** The kind's charts on which two versions are worth comparing, in this order; a service's own charts follow. */
const comparedCharts = ["latency", "error-ratio", "rate", "errors", "cpu", "memory"];

/**
 * The charts with each line twice: for the instances that the service had, and for the candidate's. What adds up is added up on either
 * side, what is told by instance is averaged, since the sides differ in size. Charts of what has no side, such as a prober's view, go.
 */
export function splitByTrack(set: PanelSet): PanelSet {
  const places = new Map(comparedCharts.map((id, place) => [id, place]));
  const shown = set.shown
    .filter(({ id, origin, states }) => states === null && (places.has(id) || origin !== "kind"))
    .toSorted((a, b) => (places.get(a.id) ?? places.size) - (places.get(b.id) ?? places.size))
    .map(splitPanel)
    .filter(({ queries }) => queries.length > 0);
  return { ...set, key: `${set.key} by track`, shown, hidden: [] };
}

function splitPanel(panel: PanelDefinition): PanelDefinition {
  const { title, queries, style, seriesLabel } = panel;
  const isMean = style === "lines" && seriesLabel === "pod";
  const isSum = style === "stacked";
  const isTold = ({ expr }: PanelQuery) => narrowExpression(expr, tracks.stable) !== expr;
  const narrowed = (style === "percentiles" ? pickP95(queries) : queries).filter(isTold);
  const whole = (expr: string) => {
    // A line of its own: an expression may end with a comment.
    if (isMean) return `avg(\n${expr}\n)`;
    return isSum ? `sum(\n${expr}\n)` : expr;
  };
  const side = (track: keyof typeof tracks, { name, expr }: PanelQuery): PanelQuery => ({
    name: narrowed.length > 1 && name !== "" ? `${track}, ${name}` : track,
    expr: whole(narrowExpression(expr, tracks[track])),
  });
  const suffix = style === "percentiles" ? `, ${narrowed[0]?.name}` : isMean ? ", of one instance" : "";
  return {
    ...panel,
    title: `${title}${suffix}`,
    style: "lines",
    seriesLabel: isMean || isSum ? null : seriesLabel,
    queries: (["stable", "candidate"] as const).flatMap((track) => narrowed.map((query) => side(track, query))),
  };
}

/** Three percentiles of each side would be six lines; the 95th is what limits and analyses are about. */
function pickP95(queries: readonly PanelQuery[]): PanelQuery[] {
  const found = queries.find(({ name }) => name === "p95") ?? queries.at(-1);
  return found ? [found] : [];
}
