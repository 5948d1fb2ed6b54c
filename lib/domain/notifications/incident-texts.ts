import type { Incident, IncidentService } from "#lib/database/generated/client.ts";
import { incidentName } from "../incidents/incident-name.ts";
import type { NotificationEvent } from "./events.ts";
import { maxTextLength, maxTitleLength, shorten } from "./texts.ts";

/** What happened to an incident. */
export type IncidentNews =
  /** `isAgain`: it had been resolved. */
  | { event: "incident-opened"; by: string; isAgain?: boolean }
  | { event: "incident-severity-changed"; from: string }
  /** `minutes` without an acknowledgement; `times` counts from 1. */
  | { event: "incident-escalated"; minutes: number; times: number }
  | { event: "incident-resolved"; lasted: string; overrideReason: string | null }
  /** A status update: for the team, or the text for those outside. */
  | { event: "status-update" | "external-update"; by: string; text: string }
  | { event: "postmortem-published"; by: string };

/** People outside read all of an update, not its beginning. */
const maxUpdateLength = 3_000;

export type ToldIncident = Pick<Incident, "id" | "number" | "title" | "severity" | "isDrill" | "version"> & {
  services: readonly Pick<IncidentService, "namespace" | "service">[];
};

/** The event of what happened to an incident. */
export function describeIncident(incident: ToldIncident, news: IncidentNews, at: Date): NotificationEvent {
  const { id, isDrill, severity } = incident;
  const [first] = incident.services;
  const services = incident.services.map(({ namespace, service }) => `${namespace}/${service}`);
  const { key, title, text } = wordsOf(incident, news);
  const concerns = services.length > 0 ? `It concerns ${services.join(", ")}.` : "";
  return {
    event: news.event,
    key: `incident/${id}/${key}`,
    subject: incidentName(incident),
    title: shorten(`${isDrill ? "Drill: " : ""}${title}`, maxTitleLength),
    text: "text" in news ? shorten(text, maxUpdateLength) : shorten([text, concerns].join(" "), maxTextLength),
    severity,
    namespace: first?.namespace ?? null,
    service: first?.service ?? null,
    services,
    path: news.event === "postmortem-published" ? `/incidents/${id}/postmortem` : `/incidents/${id}`,
    at,
  };
}

function wordsOf(
  { number, title, severity, version }: ToldIncident,
  news: IncidentNews,
): { key: string; title: string; text: string } {
  const name = incidentName({ number });
  switch (news.event) {
    case "incident-opened":
      if (news.isAgain) {
        return {
          key: `opened/${version}`,
          title: `${severity} ${name} is open again: ${title}`,
          text: `Reopened by ${news.by}.`,
        };
      }
      return { key: "opened", title: `${severity} ${name}: ${title}`, text: `Opened by ${news.by}.` };
    case "incident-severity-changed":
      return { key: `severity/${version}`, title: `${name} is now ${severity}, before ${news.from}: ${title}`, text: "" };
    case "incident-escalated":
      return {
        key: `escalated/${news.times}`,
        title: `Nobody has acknowledged ${severity} ${name} for ${news.minutes} m: ${title}`,
        text: "",
      };
    case "incident-resolved":
      return {
        key: `resolved/${version}`,
        title: `${name} is resolved after ${news.lasted}: ${title}`,
        text: news.overrideReason ? `Resolved in spite of the evidence: ${news.overrideReason.replace(/\.?$/, ".")}` : "",
      };
    case "status-update":
      return { key: `update/${version}`, title: `${severity} ${name}, an update by ${news.by}: ${title}`, text: news.text };
    case "external-update":
      return { key: `update/${version}`, title: `${name}, an update for those outside: ${title}`, text: news.text };
    case "postmortem-published":
      return { key: `published/${version}`, title: `The postmortem of ${name} is published: ${title}`, text: `By ${news.by}.` };
  }
}
