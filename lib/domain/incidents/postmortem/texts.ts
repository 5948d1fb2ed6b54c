import { formatDuration } from "../../duration.ts";
import type { Unit } from "../../metrics/schemas.ts";
import { formatUtc } from "../../times.ts";
import { secondsBetween } from "../clock.ts";
import type { Impact, ServiceImpact } from "./schemas.ts";

/** A figure with its unit, rounded to three digits. */
export function countWords(value: number, unit: Unit): string {
  switch (unit) {
    case "ratio":
      return `${rounded(value * 100)} %`;
    case "seconds":
      return Math.abs(value) < 1 ? `${rounded(value * 1000)} ms` : `${rounded(value)} s`;
    case "per-second":
      return `${rounded(value)}/s`;
    case "bytes":
      return `${rounded(value / 1024 / 1024)} MiB`;
    default:
      return rounded(value);
  }
}

const untilWords: Record<Impact["until"], string> = {
  recovered: "recovery by the data",
  mitigated: "mitigation",
  resolved: "resolution",
  now: "time of this measurement: it was not over",
};

/** The impact as Markdown: from when until when, and what is known of each service. */
export function impactLines(impact: Impact): string[] {
  const { from, to, until, measuredAt, services, problem } = impact;
  const lasted = formatDuration((secondsBetween(from, to) ?? 0) * 1000);
  return [
    `From ${formatUtc(from)} to ${formatUtc(to)}, the ${untilWords[until]}: **${lasted}**.`,
    "",
    ...(problem === null ? [] : [`Not measured: ${problem}`, ""]),
    ...(problem === null ? services.flatMap(serviceLines) : []),
    `Measured ${formatUtc(measuredAt)} from Prometheus; counts are rounded, as they are increases between scrapes.`,
  ];
}

function serviceLines({ service, own, probes, connections, latencyP95, budgets }: ServiceImpact): string[] {
  const unknown = "not known: nobody counted it";
  const share = (counts: { bad: number; all: number }) =>
    counts.all === 0 ? "" : ` (${countWords(counts.bad / counts.all, "ratio")} of ${whole(counts.all)})`;
  const rows: [string, string][] = [
    ["Failed operations", own ? `**${whole(own.bad)}**${share(own)}, by the service's own word` : unknown],
    ["Failed operations of the prober", probes ? `${whole(probes.bad)}${share(probes)}` : unknown],
    [
      "Affected connections",
      connections.most === null
        ? unknown
        : `at most ${whole(connections.most)}${connections.before === null ? "" : `; ${whole(connections.before)} when it began`}`,
    ],
    ["Latency, p95", latencyP95.during === null ? unknown : `${seconds(latencyP95.during)}${was(latencyP95.before)}`],
    ...budgets.map(({ kind, target, windowDays, spent, seenBy }): [string, string] => [
      `Error budget, ${kind}`,
      `**${countWords(spent, "ratio")}** of ${windowDays} days' budget spent, by the requests that Prometheus has of them (objective ${rounded(target * 100)} %, ${seenBy === "prober" ? "as the prober saw it" : "by the service's own word"})`,
    ]),
    ...(budgets.length === 0 ? [["Error budget", "not known: no objective, or no requests"] as [string, string]] : []),
  ];
  return [`### ${service}`, "", "| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`), ""];
}

const seconds = (value: number) => countWords(value, "seconds");
const was = (before: number | null) => (before === null ? "" : `; ${seconds(before)} before`);
const whole = (value: number) => Math.round(value).toLocaleString("en-US");

function rounded(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const digits = Number(value.toPrecision(3));
  return digits.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
