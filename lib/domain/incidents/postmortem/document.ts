import { formatUtc } from "../../times.ts";
import { type ItemView, itemTypeInfos } from "../action-items/schemas.ts";
import { incidentName } from "../incident-name.ts";
import { escapeMarkdown, headerLines, oneLine, recoveryLines, suspectLines, timelineLines } from "./facts-markdown.ts";
import type { PostmortemFacts, PostmortemState } from "./schemas.ts";
import { impactLines } from "./texts.ts";

/** All that an export has of a postmortem. */
export type Exported = {
  incidentId: string;
  state: string;
  ownerName: string;
  text: string;
  version: number;
  updatedAt: Date;
  approvedByName: string | null;
  publishedAt: Date | null;
  overrideReason: string | null;
  facts: PostmortemFacts;
  items: readonly ItemView[];
};

/** A piece of the document: Markdown, the chart of a number, or the timeline, which a page draws in its own way. */
export type Part = { markdown: string; isTimeline?: true } | { chart: number };

/** Puts a postmortem together: its facts around what people wrote, and what is to be done. */
export function composeDocument(exported: Exported, charts: readonly string[], now: Date): Part[] {
  const { facts, incidentId, text, items } = exported;
  const lines = (...all: string[]): Part => ({ markdown: all.join("\n") });
  const [summary, story] = splitAfterSummary(text.trim());
  const section = (title: string, all: string[]): Part => lines(`## ${title}`, "", ...all);
  return [
    lines(`# ${incidentName(facts)}: ${escapeMarkdown(facts.title)}`, "", ...headerLines(facts, exported.ownerName)),
    ...(exported.overrideReason === null
      ? []
      : [
          lines(
            `> **Published although something was missing.** Reason given: ${escapeMarkdown(oneLine(exported.overrideReason))}`,
          ),
        ]),
    ...(summary === "" ? [] : [lines(summary)]),
    section("Impact", [...outdated(facts), ...(facts.impact ? impactLines(facts.impact) : ["Not measured."])]),
    ...charts.map((_, chart): Part => ({ chart })),
    section("Recovery", recoveryLines(facts)),
    lines(story),
    section("Changes before the impact", suspectLines(facts)),
    { markdown: ["## Timeline", "", ...timelineLines(facts, `/incidents/${incidentId}`)].join("\n"), isTimeline: true },
    section("Action items", itemTable(items)),
    lines("---", "", noteOf(exported, now)),
  ];
}

/** A summary stands before the figures, what else people wrote after them. */
function splitAfterSummary(text: string): [summary: string, story: string] {
  if (!/^##? +summary *\n/i.test(text)) return ["", text];
  const next = text.indexOf("\n## ", 1);
  return next < 0 ? [text, ""] : [text.slice(0, next).trim(), text.slice(next).trim()];
}

function outdated({ isImpactOutdated }: PostmortemFacts): string[] {
  return isImpactOutdated ? ["> The incident's times or services have changed since this was measured.", ""] : [];
}

function noteOf({ facts, version, state, publishedAt, approvedByName, updatedAt }: Exported, now: Date): string {
  const approved = approvedByName === null ? "" : `, approved by ${escapeMarkdown(approvedByName)}`;
  return `${incidentName(facts)}, version ${version}, ${standing(state as PostmortemState, publishedAt)}${approved}. Last written ${formatUtc(updatedAt, "minute")}, facts of ${formatUtc(new Date(facts.readAt), "minute")}, exported ${formatUtc(now, "minute")}.`;
}

function standing(state: PostmortemState, publishedAt: Date | null): string {
  if (state === "published" && publishedAt) return `published ${formatUtc(publishedAt, "minute")}`;
  return state === "review" ? "in review" : "a draft";
}

export function itemTable(items: readonly ItemView[]): string[] {
  if (items.length === 0) return ["None."];
  return [
    "| Item | What | Type | Owner | Due | State |",
    "|---|---|---|---|---|---|",
    ...items.map(({ number, title, type, owner, dueOn, link, ...item }) => {
      const words = escapeMarkdown(oneLine(title));
      const what = link === null ? words : `[${words}](${link})`;
      return `| AI-${number} | ${what} | ${itemTypeInfos[type].title} | ${escapeMarkdown(owner)} | ${dueOn} | ${escapeMarkdown(oneLine(itemStanding(item)))} |`;
    }),
  ];
}

function itemStanding({
  state,
  isOverdue,
  proof,
  proofResult,
  overrideReason,
}: Pick<ItemView, "state" | "isOverdue" | "proof" | "proofResult" | "overrideReason">) {
  if (state === "open") return isOverdue ? "overdue" : "open";
  if (overrideReason !== null) return `done, unproven: ${overrideReason}`;
  return proof && proofResult?.verdict === "passed" ? "done, proven" : "done";
}
