import { formatDuration } from "../../duration.ts";
import { formatUtc } from "../../times.ts";
import { figuresOf } from "../clock.ts";
import { severityInfos } from "../schemas.ts";
import type { FactRow, PostmortemFacts } from "./schemas.ts";
import { countWords } from "./texts.ts";

/** The facts of an incident as Markdown, a section each, for what is kept outside of Switchyard. */
export function headerLines(facts: PostmortemFacts, owner: string): string[] {
  const { severity, isDrill, services, clock, commander, responders } = facts;
  const figures = figuresOf(clock);
  const took = (name: string, seconds: number | null) =>
    `${name} ${seconds === null ? "not known" : formatDuration(seconds * 1000)}`;
  const rows: [string, string][] = [
    ["Severity", `${severity}, ${severityInfos[severity].title.toLowerCase()}${isDrill ? "; a drill" : ""}`],
    ["Services", services.length > 0 ? services.map((service) => `\`${service}\``).join(", ") : "none named"],
    ["Owner", escapeMarkdown(owner)],
    ["Commander", commander === null ? "nobody" : escapeMarkdown(commander)],
    ["Responders", responders.length > 0 ? responders.map(escapeMarkdown).join(", ") : "nobody named"],
    ["Impact began", `${formatUtc(clock.impactStartedAt)} (${startWords[clock.impactStartSource]})`],
    ["Detected", `${formatUtc(clock.detectedAt)} (${took("TTD", figures.ttd)})`],
    ["Acknowledged", timed(clock.acknowledgedAt, took("TTA", figures.tta))],
    ["Mitigated", timed(clock.mitigatedAt, took("TTM", figures.ttm))],
    ["Recovered, by the data", facts.recoveredAt === null ? "not known" : formatUtc(facts.recoveredAt)],
    ["Resolved", timed(clock.resolvedAt, took("TTR", figures.ttr))],
  ];
  return ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`), ...overrideLines(facts)];
}

/** How the start of the impact is known. */
export const startWords: Record<PostmortemFacts["clock"]["impactStartSource"], string> = {
  reported: "as it was reported",
  alert: "the start of the alert",
  measured: "measured: the first bad value",
  edited: "edited with a reason",
  unknown: "not known: the time of its detection",
};

/** Marks that it was resolved in spite of the evidence; nothing where it was not. */
function overrideLines({ overrideReason }: PostmortemFacts): string[] {
  if (overrideReason === null) return [];
  return ["", `> **Resolved in spite of the evidence.** Reason given: ${escapeMarkdown(oneLine(overrideReason))}`];
}

function timed(at: string | null, figure: string): string {
  return at === null ? "not known" : `${formatUtc(at)} (${figure})`;
}

export function suspectLines({ suspects }: PostmortemFacts): string[] {
  if (suspects.length === 0) return ["No change is known within the 30 minutes before the impact."];
  return suspects.map((suspect) => `- ${suspectWords(suspect)}${moved(suspect.before, suspect.after)}`);
}

/** A change before the impact: what it was, how close, and by whom where that is not said yet. */
export function suspectWords({ message, href, closeness, actor }: PostmortemFacts["suspects"][number]): string {
  const what = oneLine(message).replace(/\.$/, "");
  const by = what.endsWith(actor) ? "" : ` (${escapeMarkdown(actor)})`;
  return `${link(what, href)}, ${escapeMarkdown(closeness)}${by}`;
}

type Figures = PostmortemFacts["suspects"][number]["before"];

function moved(before: Figures, after: Figures): string {
  if (!before || !after) return "";
  const words = (value: number | null, unit: "seconds" | "ratio") => (value === null ? "not known" : countWords(value, unit));
  return `: p95 ${words(before.latencyP95Seconds, "seconds")} → ${words(after.latencyP95Seconds, "seconds")}, errors ${words(before.errorRatio, "ratio")} → ${words(after.errorRatio, "ratio")}`;
}

/** When it was over by the data, in a sentence. */
export function recoveredSentence({ recoveries, recoveredAt }: Pick<PostmortemFacts, "recoveries" | "recoveredAt">): string {
  if (recoveries.length === 0) return "The recovery was not measured.";
  if (recoveredAt !== null) return `**Recovered at ${formatUtc(recoveredAt)}**, by the data.`;
  if (recoveries.every(({ during }) => during === null)) return "By the data nothing was bad, or nobody could know.";
  return "It has not recovered by the data.";
}

export function recoveryLines({ recoveries, recoveredAt }: PostmortemFacts): string[] {
  if (recoveries.length === 0) return ["The recovery was not measured."];
  const rows = recoveries.map(({ service, indicator, before, during, after, recoveredAt: at }) => {
    const value = (figure: number | null) => (figure === null ? "not known" : countWords(figure, indicator.unit));
    return `| \`${service}\` | ${indicator.title} | ${value(before)} | ${value(during)} | ${value(after)} | ${countWords(indicator.limit, indicator.unit)} | ${at === null ? "not known" : formatUtc(at)} |`;
  });
  const when = recoveredSentence({ recoveries, recoveredAt });
  return [
    when,
    "",
    "| Service | Indicator | Before | At its worst | After | Limit | Good again |",
    "|---|---|--:|--:|--:|--:|---|",
    ...rows,
  ];
}

/** A table of the timeline; `message` says how a row's words become a cell's. */
export function timelineLines({ timeline, timelineTotal }: PostmortemFacts, incidentHref: string): string[] {
  if (timeline.length === 0) return ["Nothing was recorded."];
  const lines = timeline.map(({ href, by, ...row }) => {
    const chart = href === null ? "" : `[chart](${href})`;
    return `| ${formatUtc(row.at)} | ${rowWords(row)} | ${escapeMarkdown(by)} | ${chart} |`;
  });
  const more = timelineTotal - timeline.length;
  const rest =
    more > 0 ? ["", `${more.toLocaleString("en-US")} more rows are in [the incident's timeline](${incidentHref}).`] : [];
  return ["| When | What | Who | Data |", "|---|---|---|---|", ...lines, ...rest];
}

/** What people write is Markdown; what Switchyard writes is plain. */
export const isWritten = ({ kind }: Pick<FactRow, "kind">) => kind === "note" || kind === "update";

function rowWords(row: Pick<FactRow, "kind" | "message">): string {
  const words = oneLine(row.message);
  return isWritten(row) ? words.replaceAll("|", "\\|") : escapeMarkdown(words);
}

export const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();

/** Plain words that Markdown shows as they are. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_~[\]<>|#]/g, "\\$&");
}

/** Plain words as a link. */
export function link(words: string, href: string | null): string {
  return href === null ? escapeMarkdown(words) : `[${escapeMarkdown(words)}](${href})`;
}
