import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { ClockFigures, ClockTime } from "#lib/domain/incidents/clock.ts";
import { incidentName } from "#lib/domain/incidents/incident-name.ts";
import type {
  IncidentCommand,
  IncidentDetail,
  IncidentView,
  LinkKind,
  Recovery,
  ReportIncidentInput,
  Severity,
  TimelineKind,
  TimelineRow,
} from "#lib/domain/incidents/schemas.ts";
import { incidentStates, isMajor, severities } from "#lib/domain/incidents/schemas.ts";
import { stepInfos } from "#lib/domain/incidents/steps.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { rolloutTitle } from "./action-texts.ts";
import { sentenceOf, serviceOf } from "./alert-view.ts";
import type { IncidentFilter } from "./incidents.ts";
import { formatFigure } from "./numbers.ts";

export { incidentName };

export const stepWord = (step: IncidentView["step"]) => (step === "done" ? "Done" : stepInfos[step].title);

/** Whether its harm goes on, as far as anybody has said. */
export const isOpen = ({ clock }: Pick<IncidentView, "clock">) => clock.resolvedAt === null;

/** Whether it is one that wakes people: P1 or P2, open, and no drill. */
export const isBurning = (incident: Pick<IncidentView, "clock" | "severity" | "isDrill">) =>
  isOpen(incident) && !incident.isDrill && isMajor(incident.severity);

/** The worst first, the newest of those before the others. */
export function byWeight(a: IncidentView, b: IncidentView): number {
  return (
    Number(a.isDrill) - Number(b.isDrill) ||
    a.severity.localeCompare(b.severity) ||
    b.clock.impactStartedAt.localeCompare(a.clock.impactStartedAt)
  );
}

/** Those that concern one of the services ("namespace/name"). */
export function onServices(incidents: readonly IncidentView[], services: readonly string[]): IncidentView[] {
  return incidents.filter((incident) =>
    incident.services.some(({ namespace, name }) => services.includes(`${namespace}/${name}`)),
  );
}

export const commandNames: Record<IncidentCommand, string> = {
  acknowledge: "Acknowledge",
  assess: "Mark assessed",
  mitigate: "Mark mitigated",
  resolve: "Resolve",
  reopen: "Reopen",
  document: "Mark documented",
};

/** A command with what it is given to: "Mark INC-12 mitigated". */
export function commandSentence(command: IncidentCommand, incident: Pick<IncidentView, "number">): string {
  const [verb = "", participle] = commandNames[command].startsWith("Mark ")
    ? commandNames[command].split(" ")
    : [commandNames[command]];
  return [verb, incidentName(incident), participle].filter(Boolean).join(" ");
}

/** What a command says about the incident, as its dialog's first line. */
export const commandMeanings: Record<IncidentCommand, string> = {
  acknowledge: "You take it: nobody else is woken, and the time to acknowledge ends.",
  assess: "How bad it is and what changed before it has been looked at; now the harm is stopped.",
  mitigate: "The harm is stopped, though the cause may still be there. The time to mitigate ends.",
  resolve: "What was harmed works again and stays so. The clock stops.",
  reopen: "It was not over: the clock runs on, and it counts as open again.",
  document: "What can be learned from it is written down.",
};

/** The moment of the clock that a command sets; null for one that sets none. */
export const commandMoment: Record<IncidentCommand, ClockTime | null> = {
  acknowledge: "acknowledgedAt",
  assess: null,
  mitigate: "mitigatedAt",
  resolve: "resolvedAt",
  reopen: null,
  document: null,
};

/** What may be done at once, without a dialog: what takes nothing away and says all by itself. */
export const isPlain = (command: IncidentCommand) => command === "acknowledge" || command === "assess" || command === "document";

/**
 * The commands that a page shows: those that fit where it is; and the one to press. That is the first of them that may be given, and
 * once its services have recovered and nothing speaks against it, to resolve.
 */
export function shownCommands({
  step,
  clock,
  commands,
  recoveredAt,
  resolveBlockers,
}: Pick<IncidentDetail, "step" | "clock" | "commands" | "recoveredAt" | "resolveBlockers">): {
  shown: IncidentCommand[];
  next: IncidentCommand | null;
} {
  const isAcknowledged = clock.acknowledgedAt !== null;
  const open: IncidentCommand[] = [
    ...(isAcknowledged ? [] : (["acknowledge"] as const)),
    ...(isAcknowledged && commands.assess === null ? (["assess"] as const) : []),
    ...(commands.mitigate === null ? (["mitigate"] as const) : []),
    "resolve",
    ...(commands.reopen === null ? (["reopen"] as const) : []),
  ];
  const over: IncidentCommand[] = step === "done" ? ["reopen"] : ["document", "reopen"];
  const shown = clock.resolvedAt === null ? open : over;
  const isOver = recoveredAt !== null && resolveBlockers.length === 0;
  if (isAcknowledged && isOver && clock.resolvedAt === null && commands.resolve === null) return { shown, next: "resolve" };
  return { shown, next: shown.find((command) => command !== "reopen" && commands[command] === null) ?? null };
}

export const figureNames: Record<keyof ClockFigures, { short: string; long: string }> = {
  ttd: { short: "TTD", long: "Time to detect: from the start of the impact" },
  tta: { short: "TTA", long: "Time to acknowledge: from the detection" },
  ttm: { short: "TTM", long: "Time to mitigate: from the start of the impact" },
  ttr: { short: "TTR", long: "Time to resolve: from the start of the impact" },
};
export const figureKeys = Object.keys(figureNames) as (keyof ClockFigures)[];

export const timelineFilters = ["all", "changes", "alerts", "people"] as const;
export type TimelineFilter = (typeof timelineFilters)[number];
export const timelineFilterNames: Record<TimelineFilter, string> = {
  all: "All",
  changes: "Changes",
  alerts: "Alerts",
  people: "By people",
};
const kindsOf: Record<Exclude<TimelineFilter, "all">, TimelineKind[]> = {
  changes: ["action", "rollout", "restart", "config"],
  alerts: ["alert", "escalated", "recovery"],
  people: ["update", "note", "step", "changed", "person"],
};

/** The rows that a filter shows, the newest first; what is hidden only on demand. */
export function timelineRows(timeline: readonly TimelineRow[], filter: TimelineFilter, withHidden: boolean): TimelineRow[] {
  return timeline
    .filter((row) => (withHidden || !row.isHidden) && (filter === "all" || kindsOf[filter].includes(row.kind)))
    .toSorted((a, b) => b.at.localeCompare(a.at) || b.id.localeCompare(a.id));
}

/** How bad an alert is as an incident, until a person says otherwise. */
export function severityOfAlert(severity: string): Severity {
  if (severity === "critical" || severity === "page") return "P1";
  return severity === "warning" ? "P3" : "P4";
}

/** What a report begins with, by the page where one is. */
export type ReportDraft = Partial<Pick<ReportIncidentInput, "title" | "severity" | "links">> & {
  /** "namespace/name" */
  services?: string[];
  impactStartedAt?: string;
};

export function reportOfAlert(
  alert: Pick<AlertRow, "id" | "name" | "severity" | "startsAt" | "annotations" | "namespace" | "service">,
): ReportDraft {
  const service = serviceOf(alert);
  return {
    title: sentenceOf(alert).slice(0, 200),
    severity: severityOfAlert(alert.severity),
    services: service ? [service] : [],
    impactStartedAt: alert.startsAt,
    links: [{ kind: "alert", targetId: alert.id }],
  };
}

/** When it began to do harm is measured: it was no harm yet as it was rolled out. */
export function reportOfRollout(
  rollout: Pick<RolloutView, "id" | "change" | "namespace" | "service" | "state" | "toVersion">,
): ReportDraft {
  const ended = rollout.state === "failed" || rollout.state === "aborted" ? `: ${rollout.state}` : "";
  return {
    title: `${rolloutTitle(rollout)}${rollout.toVersion ? ` to ${rollout.toVersion}` : ""}${ended}`.slice(0, 200),
    services: [`${rollout.namespace}/${rollout.service}`],
    links: [{ kind: "rollout", targetId: rollout.id }],
  };
}

/** What is wrong with the indicator, or no more: one sentence from the data. */
export function recoverySentence({ state, indicator, now, goodSince, recoveredAt }: Recovery): string {
  const value = formatFigure(now, indicator.unit);
  const limit = formatFigure(indicator.limit, indicator.unit);
  if (state === "unknown") return `${indicator.title} is not known now: its data are missing, which is no recovery.`;
  if (state === "bad") return `${indicator.title} is ${value}, ${indicator.bad} the limit of ${limit}.`;
  if (recoveredAt !== null) return `${indicator.title} is ${value} and has stayed good against the limit of ${limit}.`;
  return goodSince === null
    ? `${indicator.title} is ${value}, good against the limit of ${limit}.`
    : `${indicator.title} is ${value}, good against the limit of ${limit}; it counts as recovered once it stays so.`;
}

type Search = { get(name: string): string | null };

/** What of the incidents a person looks at; the whole of it stands in the address. Open ones by default. */
export type IncidentsView = {
  state: "open" | "resolved" | "all";
  severity: Severity | null;
  service: string | null;
  drills: "with" | "without" | "only";
  search: string;
};

/** Reads the address; what makes no sense in it is left out. */
export function parseIncidentsView(search: Search): IncidentsView {
  return {
    state: [...incidentStates, "all" as const].find((state) => state === search.get("state")) ?? "open",
    severity: severities.find((severity) => severity === search.get("severity")) ?? null,
    service: search.get("service"),
    drills: (["without", "only"] as const).find((drills) => drills === search.get("drills")) ?? "with",
    search: search.get("q") ?? "",
  };
}

/** The address's parameters of a view: null for what is as it is by default. */
export function incidentsViewParameters(view: IncidentsView): Record<string, string | null> {
  return {
    state: view.state === "open" ? null : view.state,
    severity: view.severity,
    service: view.service,
    drills: view.drills === "with" ? null : view.drills,
    q: view.search || null,
  };
}

/** What is asked of the server for a view. */
export function incidentsFilter({ state, severity, service, drills, search }: IncidentsView): IncidentFilter {
  const [namespace, name] = service?.split("/") ?? [];
  return {
    ...(state !== "all" && { state }),
    ...(severity && { severity }),
    ...(namespace && { namespace }),
    ...(name && { service: name }),
    ...(drills !== "with" && { drills }),
    ...(search && { search }),
  };
}

const linkedPages: [RegExp, LinkKind][] = [
  [/\/alerts\/([0-9a-f-]{36})/i, "alert"],
  [/\/rollouts\/([0-9a-f-]{36})/i, "rollout"],
  [/\/incidents\/([0-9a-f-]{36})/i, "incident"],
  [/\/audit\?(?:.*&)?entry=([0-9a-f-]{36})/i, "action"],
  [/\/backups\/([0-9a-f-]{36})/i, "backup"],
];

/** What the address of a page names; null for one that names nothing that can belong to an incident. */
export function readLink(address: string): { kind: LinkKind; targetId: string } | null {
  for (const [pattern, kind] of linkedPages) {
    const targetId = pattern.exec(address)?.[1];
    if (targetId) return { kind, targetId };
  }
  return null;
}
