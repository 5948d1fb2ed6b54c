import { formatDuration } from "../../duration.ts";
import { formatUtc } from "../../times.ts";
import { figuresOf, secondsBetween } from "../clock.ts";
import { escapeMarkdown, link, oneLine, recoveredSentence, suspectWords } from "./facts-markdown.ts";
import type { PostmortemFacts, ServiceImpact } from "./schemas.ts";
import { countWords } from "./texts.ts";

/** What stands where a person has to write; `unwrittenSections` finds it again. */
const todo = (what: string) => `_To be written: ${what}_`;
const todoStart = "_To be written: ";

/**
 * The first text of a postmortem: what is known in sentences, and what is to be written, section by section. Figures, charts and the
 * timeline stand beside it as facts and follow the incident; they are no part of the text.
 */
export function draftPostmortem(facts: PostmortemFacts): string {
  const sections: [title: string, lines: string[]][] = [
    ["Summary", [...summary(facts), "", todo("what its users noticed, in words that anybody understands.")]],
    [
      "What happened",
      [todo("the story, in the order in which it went. Say what people knew and saw at the time, and blame nobody.")],
    ],
    ["Trigger", [...trigger(facts), "", todo("what set it off, and how that is known.")]],
    ["Root causes and contributing factors", [todo("what had to be so for this to be possible. There is seldom only one.")]],
    ["Detection", [...detection(facts), "", todo("would it have been noticed sooner, and how?")]],
    ["Resolution", [...resolution(facts), "", todo("why that was the right thing, or what would have been.")]],
    ["What went well", [`- ${todo("what helped.")}`]],
    ["What went badly", [`- ${todo("what stood in the way.")}`]],
    ["Where we were lucky", [`- ${todo("what could have made it worse.")}`]],
  ];
  return `${sections.map(([title, lines]) => [`## ${title}`, "", ...lines].join("\n")).join("\n\n")}\n`;
}

/** The headings below which still stands what is to be written. */
export function unwrittenSections(text: string): string[] {
  const found = new Set<string>();
  let heading = "The beginning";
  for (const line of text.split("\n")) {
    if (/^#{1,6}\s/.test(line)) heading = line.replace(/^#+/, "").trim();
    const words = line.trim().replace(/^[-*] +/, "");
    if (words.startsWith(todoStart) && words.endsWith("_")) found.add(heading);
  }
  return [...found];
}

function summary(facts: PostmortemFacts): string[] {
  const { services, clock, recoveredAt, overrideReason, impact } = facts;
  const what = services.length > 0 ? services.map((service) => `\`${service}\``).join(", ") : "no named service";
  const end = recoveredAt ?? clock.mitigatedAt ?? clock.resolvedAt;
  const how = recoveredAt ? "recovered by the data" : clock.mitigatedAt ? "was mitigated" : "was resolved";
  const time =
    end === null
      ? `From ${formatUtc(clock.impactStartedAt)} on ${what} was impaired; at the time of this draft that was not over.`
      : `${capitalise(what)} was impaired for ${formatDuration((secondsBetween(clock.impactStartedAt, end) ?? 0) * 1000)}: from ${formatUtc(clock.impactStartedAt)} to ${formatUtc(end)}, when it ${how}.`;
  const suspect = facts.suspects[0];
  const cause = suspect
    ? `The closest change was ${link(oneLine(suspect.message).replace(/\.$/, ""), suspect.href)}, ${escapeMarkdown(suspect.closeness)}.`
    : null;
  const mark = overrideReason === null ? null : "It was resolved in spite of the evidence.";
  const harm = impact?.services.flatMap(harmWords) ?? [];
  return [[time, ...harm, cause, mark].filter(Boolean).join(" ")];
}

function harmWords({ service, own, probes, connections, latencyP95, budgets }: ServiceImpact): string[] {
  const counted = own ?? probes;
  const who = own ? "" : " of the prober";
  const count = (value: number) => Math.round(value).toLocaleString("en-US");
  const budget = budgets.toSorted((a, b) => b.spent - a.spent)[0];
  const words = [
    counted &&
      counted.bad >= 0.5 &&
      `${count(counted.bad)} operations${who} failed (${countWords(counted.bad / (counted.all || 1), "ratio")})`,
    latencyP95.during !== null &&
      `95 % of the operations took up to ${countWords(latencyP95.during, "seconds")}${latencyP95.before === null ? "" : `, before ${countWords(latencyP95.before, "seconds")}`}`,
    connections.most !== null && connections.most > 0 && `at most ${count(connections.most)} connections were affected`,
    budget &&
      budget.spent >= 0.0005 &&
      `${countWords(budget.spent, "ratio")} of ${budget.windowDays} days' error budget was spent, by the requests that Prometheus has of them`,
  ].filter((one) => typeof one === "string");
  return words.length === 0 ? [] : [`Of \`${service}\` ${words.join("; ")}.`];
}

function trigger({ suspects, links }: PostmortemFacts): string[] {
  const rollouts = links
    .filter(({ kind }) => kind === "rollout")
    .map(({ title, href }) => `- Linked rollout: ${link(title, href)}`);
  if (suspects.length === 0) return ["No change is known within the 30 minutes before the impact.", ...spaced(rollouts)];
  const lines = suspects.slice(0, 5).map((suspect) => `- ${suspectWords(suspect)}`);
  return ["What was changed just before, the likeliest first:", "", ...lines, ...rollouts];
}

function detection({ clock, noticedBy, links }: PostmortemFacts): string[] {
  const { ttd, tta } = figuresOf(clock);
  const after = ttd === null ? "; since when it did harm is not known" : `, ${formatDuration(ttd * 1000)} after the impact began`;
  const taken =
    clock.acknowledgedAt === null
      ? "When somebody took it is not known."
      : `Somebody took it ${formatDuration((tta ?? 0) * 1000)} later.`;
  const alerts = links.filter(({ kind }) => kind === "alert").map(({ title, href }) => `- Alert: ${link(title, href)}`);
  return [
    `It was noticed by ${escapeMarkdown(noticedBy)} at ${formatUtc(clock.detectedAt)}${after}. ${taken}`,
    ...spaced(alerts),
  ];
}

function resolution({ timeline, clock, recoveries, recoveredAt }: PostmortemFacts): string[] {
  const isWithin = (at: string) =>
    Date.parse(at) > Date.parse(clock.impactStartedAt) && (clock.resolvedAt === null || at <= clock.resolvedAt);
  const done = timeline
    .filter(({ at, kind }) => (kind === "action" && isWithin(at)) || (kind === "recovery" && at > clock.impactStartedAt))
    .slice(0, 20)
    .map(({ at, message, by, href }) => `- ${formatUtc(at)}: ${link(oneLine(message), href)} (${escapeMarkdown(by)})`);
  const measured = recoveries
    .filter(({ during }) => during !== null)
    .map(({ service, indicator, before, during, after }) => {
      const value = (figure: number | null) => (figure === null ? "not known" : countWords(figure, indicator.unit));
      return `${indicator.title} of \`${service}\` was ${value(before)} before, ${value(during)} at its worst and ${value(after)} after (limit ${countWords(indicator.limit, indicator.unit)}).`;
    });
  const recovered = recoveredSentence({ recoveries, recoveredAt });
  return [...(done.length > 0 ? ["What was done:", "", ...done, ""] : []), [recovered, ...measured].join(" ")];
}

const capitalise = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
const spaced = (lines: readonly string[]) => (lines.length > 0 ? ["", ...lines] : []);
