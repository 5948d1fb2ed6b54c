import { formatDuration } from "../../duration.ts";
import { type Clock, figuresOf } from "../clock.ts";
import { type Recovery, type Severity, severityInfos, type TimelineRow } from "../schemas.ts";
import { countWords, impactLines, timeWords } from "./impact-texts.ts";
import type { Impact } from "./schemas.ts";

/** What is known of an incident when its postmortem is drafted. */
export type DraftFacts = {
  number: number;
  title: string;
  severity: Severity;
  /** namespace/name */
  services: string[];
  clock: Clock;
  openedBy: string;
  /** The alert, rollout or person that noticed it, in a few words. */
  noticedBy: string;
  commander: string | null;
  responders: string[];
  owner: string;
  overrideReason: string | null;
  timeline: Pick<TimelineRow, "at" | "kind" | "message" | "by" | "href" | "isHidden">[];
  links: { kind: string; title: string; href: string }[];
  recovery: Pick<Recovery, "service" | "indicator" | "before" | "during" | "after" | "recoveredAt"> | null;
  impact: Impact;
};

/** What stands where a person has to write; `unwrittenSections` finds it again. */
const todo = (what: string) => `_To be written: ${what}_`;
const todoLine = /^\s*(?:[-*]\s+)?_To be written: .*_\s*$/;

/** The first text of a postmortem: all that is known, and what is to be written, section by section. */
export function draftPostmortem(facts: DraftFacts): string {
  const sections: [title: string, lines: string[]][] = [
    ["Summary", [todo("what happened, to whom, for how long, in three sentences that anybody understands.")]],
    ["Impact", impactLines(facts.impact)],
    [
      "What happened",
      [todo("the story, in the order in which it went. Say what people knew and saw at the time, and blame nobody.")],
    ],
    ["Trigger", [...changesBefore(facts), todo("what set it off.")]],
    ["Root causes and contributing factors", [todo("what had to be so for this to be possible. There is seldom only one.")]],
    ["Detection", [...detection(facts), todo("would it have been noticed sooner, and how?")]],
    ["Resolution", [...resolution(facts), todo("what ended it, and why that was the right thing.")]],
    ["Timeline", timeline(facts)],
    ["What went well", [`- ${todo("what helped.")}`]],
    ["What went badly", [`- ${todo("what stood in the way.")}`]],
    ["Where we were lucky", [`- ${todo("what could have made it worse.")}`]],
    ["Action items", ["Kept with the incident, with owner, date and proof; an export lists them here."]],
  ];
  const body = sections.flatMap(([title, lines]) => [`## ${title}`, "", ...lines, ""]);
  return [`# INC-${facts.number}: ${facts.title}`, "", ...header(facts), "", ...body].join("\n");
}

/** The headings below which still stands what is to be written. */
export function unwrittenSections(text: string): string[] {
  const found = new Set<string>();
  let heading = "The beginning";
  for (const line of text.split("\n")) {
    heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? heading;
    if (todoLine.test(line)) found.add(heading);
  }
  return [...found];
}

function header({ severity, services, clock, commander, responders, owner, overrideReason }: DraftFacts): string[] {
  const figures = figuresOf(clock);
  const took = (seconds: number | null) => (seconds === null ? "not known" : formatDuration(seconds * 1000));
  const rows: [string, string][] = [
    ["Severity", `${severity}, ${severityInfos[severity].title.toLowerCase()}`],
    ["Services", services.length > 0 ? services.map((service) => `\`${service}\``).join(", ") : "none named"],
    ["Owner", owner],
    ["Commander", commander ?? "nobody"],
    ["Responders", responders.length > 0 ? responders.join(", ") : "nobody named"],
    ["Impact began", timeWords(clock.impactStartedAt)],
    ["Detected", `${timeWords(clock.detectedAt)} (TTD ${took(figures.ttd)})`],
    ["Acknowledged", withFigure(clock.acknowledgedAt, `TTA ${took(figures.tta)}`)],
    ["Mitigated", withFigure(clock.mitigatedAt, `TTM ${took(figures.ttm)}`)],
    ["Resolved", withFigure(clock.resolvedAt, `TTR ${took(figures.ttr)}`)],
  ];
  const mark =
    overrideReason === null ? [] : ["", `> **Resolved in spite of the evidence.** Reason given: ${cell(overrideReason)}`];
  return ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${cell(value)} |`), ...mark];
}

function withFigure(at: string | null, figure: string): string {
  return at === null ? "not known" : `${timeWords(at)} (${figure})`;
}

function changesBefore({ timeline: rows, clock, links }: DraftFacts): string[] {
  const changes = rows.filter(
    ({ at, kind, isHidden }) =>
      !isHidden &&
      Date.parse(at) <= Date.parse(clock.impactStartedAt) &&
      ["action", "rollout", "config", "restart"].includes(kind),
  );
  const rollouts = links
    .filter(({ kind }) => kind === "rollout")
    .map(({ title, href }) => `- Linked rollout: ${link(title, href)}`);
  if (changes.length === 0) return ["No change is known within the 30 minutes before the impact.", "", ...rollouts];
  const lines = changes.toReversed().map(({ at, message, by, href }) => {
    const before = formatDuration(Date.parse(clock.impactStartedAt) - Date.parse(at));
    return `- ${before} before: ${link(oneLine(message), href)} (${by})`;
  });
  return ["What was changed before the impact, the latest first:", "", ...lines, ...rollouts, ""];
}

function detection({ clock, noticedBy, links }: DraftFacts): string[] {
  const seconds = figuresOf(clock).ttd;
  const alerts = links.filter(({ kind }) => kind === "alert").map(({ title, href }) => `- Alert: ${link(title, href)}`);
  const after = seconds === null ? "" : `, ${formatDuration(seconds * 1000)} after the impact began`;
  return [`Noticed by ${noticedBy}${after}.`, "", ...alerts, ""];
}

function resolution({ recovery, timeline: rows, clock }: DraftFacts): string[] {
  const actions = rows.filter(
    ({ at, kind, isHidden }) =>
      !isHidden && (kind === "action" || kind === "rollout") && Date.parse(at) > Date.parse(clock.impactStartedAt),
  );
  const done = actions.map(({ at, message, by, href }) => `- ${timeWords(at)}: ${link(oneLine(message), href)} (${by})`);
  return [...(done.length > 0 ? ["What was done:", "", ...done, ""] : []), ...recovered(recovery), ""];
}

function recovered(recovery: DraftFacts["recovery"]): string[] {
  if (!recovery) return ["The recovery was not measured."];
  const { indicator, service, before, during, after, recoveredAt } = recovery;
  const value = (figure: number | null) => (figure === null ? "not known" : countWords(figure, indicator.unit));
  const when =
    recoveredAt === null ? "It has not recovered by the data." : `**Recovered at ${timeWords(recoveredAt)}**, by the data.`;
  return [
    `${when} ${indicator.title} of \`${service}\`, limit ${countWords(indicator.limit, indicator.unit)}:`,
    "",
    "| Before | At its worst | After |",
    "|--:|--:|--:|",
    `| ${value(before)} | ${value(during)} | ${value(after)} |`,
  ];
}

function timeline({ timeline: rows }: DraftFacts): string[] {
  const shown = rows.filter(({ isHidden }) => !isHidden);
  if (shown.length === 0) return ["Nothing was recorded."];
  const lines = shown.map(({ at, message, by, href }) => {
    const chart = href === null ? "" : `[chart](${href})`;
    return `| ${timeWords(at)} | ${cell(oneLine(message))} | ${cell(by)} | ${chart} |`;
  });
  return ["| When | What | Who | Data |", "|---|---|---|---|", ...lines];
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();
const cell = (text: string) => text.replaceAll("|", "\\|");

/** Words of a row as a link; what would end the link early is escaped. */
function link(words: string, href: string | null): string {
  return href === null ? words : `[${words.replace(/[[\]]/g, "\\$&")}](${href})`;
}
