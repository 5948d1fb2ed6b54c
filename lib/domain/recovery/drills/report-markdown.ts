import type { Context } from "../../context.ts";
import { formatUtc } from "../../times.ts";
import { formatFigure } from "./figure.ts";
import { getDrill } from "./queries.ts";
import type { DrillDetail } from "./schemas.ts";

/** A drill's report as Markdown, to be kept or sent elsewhere. Throws not-found. */
export async function exportDrill(context: Context, id: string): Promise<{ name: string; text: string }> {
  const detail = await getDrill(context, id);
  return { name: `drill-${detail.drill.number}.md`, text: drillMarkdown(detail) };
}

/** Pure. */
export function drillMarkdown({ drill, events, report, earlier }: DrillDetail): string {
  const figure = (ms: number | null) => (ms === null ? "not known" : formatFigure(ms));
  const lines = [
    `# DR-${drill.number}: ${drill.title} of ${drill.subject}`,
    "",
    `**${drill.verdict ?? drill.state}.** ${drill.message}`,
    "",
    `Asked for by ${drill.requestedBy}: ${drill.reason}`,
    "",
    "| | Measured | Objective |",
    "|---|---|---|",
    `| RTO | ${figure(drill.rtoMs)}${drill.errorMs === null ? "" : ` ± ${figure(drill.errorMs)}`} | ${figure(drill.rtoObjectiveMs)} |`,
    `| RPO | ${figure(drill.rpoMs)}${drill.lostWrites === null ? "" : `, ${drill.lostWrites} acknowledged writes lost`} | ${figure(drill.rpoObjectiveMs)} |`,
  ];
  if (report) {
    const { phases, ledger, checks, measure, limits, series } = report;
    lines.push("", "## Phases", "", "| Phase | From | For | |", "|---|---|---|---|");
    for (const one of phases)
      lines.push(`| ${one.name} | ${formatUtc(one.startedAt)} | ${figure(one.durationMs)} | ${one.message} |`);
    if (ledger) {
      lines.push("", "## Ledger", "");
      lines.push(`* Last acknowledged write: ${ledger.lastAcknowledgedAt ?? "not known"}`);
      lines.push(`* Newest write before which none is missing: ${ledger.newestSurvivingAt ?? "not known"}`);
      lines.push(`* Lost: ${ledger.lost}; applied more than once: ${ledger.duplicated}`);
    }
    if (checks.length > 0) {
      lines.push("", "## What was restored", "", "| Question | Wanted | Found | |", "|---|---|---|---|");
      for (const one of checks)
        lines.push(`| ${one.name} | ${one.wanted} | ${one.found} | ${one.passed ? "passed" : "failed"} |`);
    }
    const worst = series.filter(({ ok, failed }) => failed > 0 || ok === 0).length;
    lines.push("", "## How it was measured", "");
    if (measure.consecutive > 0) {
      lines.push(
        `* Every path is tried every ${measure.intervalMs} ms; ${measure.consecutive} successes in a row count as recovered.`,
      );
      lines.push(`* ${series.length} s were watched, ${worst} of them with a failure or without a success.`);
    }
    lines.push("", "## What it does not show", "", ...limits.map((limit) => `* ${limit}`));
  }
  lines.push("", "## What happened", "", ...events.map(({ at, message }) => `* ${formatUtc(at, "time")} ${message}`));
  if (earlier.length > 0) {
    lines.push("", "## Earlier", "", "| Drill | When | RTO | RPO | Verdict |", "|---|---|---|---|---|");
    for (const one of earlier) {
      const at = one.startedAt ? formatUtc(one.startedAt, "minute") : "";
      lines.push(`| DR-${one.number} | ${at} | ${figure(one.rtoMs)} | ${figure(one.rpoMs)} | ${one.verdict ?? ""} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
