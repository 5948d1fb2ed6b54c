import type { z } from "zod";
import { authorise, type Context, type Transaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { IncidentNews } from "../notifications/announce.ts";
import { formatUtc } from "../times.ts";
import { parseInput } from "../validation.ts";
import { type Clock, type ClockTime, clockNames, clockTimes } from "./clock.ts";
import { refuseTimes } from "./clock-input.ts";
import { escalatesAfterChange, readEscalation } from "./opening/escalation-settings.ts";
import { distinct } from "./opening/open.ts";
import { isUnattended, latest } from "./progress.ts";
import { changeIncidentSchema, type IncidentChange, type Severity } from "./schemas.ts";
import { type Step, steps } from "./steps.ts";
import { clockColumns, clockOf, type StoredIncident } from "./stored.ts";
import type { NewTimelineRow } from "./timeline/timeline.ts";
import { type PlannedChange, writeIncident } from "./write.ts";

type Input = z.output<typeof changeIncidentSchema>;

/** One thing that differs: what it was and is, the sentence of the timeline, and what of the row changes. */
type Difference = {
  before: object;
  after: object;
  message: string;
  data: NonNullable<PlannedChange["data"]>;
  /** Why it needs a reason, in a sentence; left out when it needs none. */
  wantsReason?: string;
  news?: IncidentNews;
};

/**
 * Changes an incident's title, severity, services, times or whether it is a drill; what is left out stays. Operators. Times need a
 * reason and must lie in their order; those of steps that are still to come are set by their commands. A reason is wanted, too, for what
 * takes weight from an incident: a lower severity, a service less, that it is a drill.
 */
export async function changeIncident(context: Context, id: string, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "change an incident");
  const wanted = parseInput(changeIncidentSchema, input);
  const { reason } = wanted;
  return writeIncident(context, { id, verb: "change", input, key }, async (transaction, incident, now) => {
    const differences = [
      changeTitle(incident, wanted),
      await changeSeverity(transaction, { incident, wanted, now }),
      await changeServices(transaction, incident, wanted),
      changeDrill(incident, wanted),
      ...changeClock(incident, wanted, now),
    ].filter((one) => one !== null);
    if (differences.length === 0) return "Nothing differs from what it was.";
    const why = [...new Set(differences.flatMap(({ wantsReason }) => wantsReason ?? []))];
    if (why.length > 0 && !reason) throw new DomainError("invalid-input", why.join(" "), { fields: { reason: why } });
    const { name: by } = context.actor;
    return {
      message: differences.map(({ message }) => message).join(" "),
      data: Object.assign({}, ...differences.map(({ data }) => data)),
      rows: differences.map(({ message, before, after }): NewTimelineRow => {
        const text = reason ? `${message} ${reason}` : message;
        return { at: now, kind: "changed", message: text, by, detail: { before, after } };
      }),
      before: Object.assign({}, ...differences.map(({ before }) => before)),
      after: Object.assign({}, ...differences.map(({ after }) => after)),
      reason: reason ?? null,
      news: differences.flatMap(({ news }) => news ?? []),
    };
  });
}

function changeTitle({ title }: StoredIncident, wanted: Input): Difference | null {
  if (wanted.title === undefined || wanted.title === title) return null;
  const data = { title: wanted.title };
  return { before: { title }, after: data, message: `Called “${wanted.title}”, before “${title}”.`, data };
}

type SeverityChange = { incident: StoredIncident; wanted: Input; now: Date };

async function changeSeverity(transaction: Transaction, { incident, wanted, now }: SeverityChange): Promise<Difference | null> {
  const from = incident.severity as Severity;
  const to = wanted.severity;
  if (to === undefined || to === from) return null;
  return {
    before: { severity: from },
    after: { severity: to },
    message: `${to < from ? "Raised" : "Lowered"} from ${from} to ${to}.`,
    data: {
      severity: to,
      escalatesAt: isUnattended(incident)
        ? escalatesAfterChange(await readEscalation(transaction), to, incident.openedAt, now)
        : null,
    },
    ...(to > from && { wantsReason: "Say why it is less severe." }),
    news: { event: "incident-severity-changed", from },
  };
}

async function changeServices(transaction: Transaction, incident: StoredIncident, wanted: Input): Promise<Difference | null> {
  if (!wanted.services) return null;
  const namesOf = (services: { namespace: string; name: string }[]) =>
    services.map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  const before = namesOf(incident.services.map(({ namespace, service }) => ({ namespace, name: service })));
  const services = distinct(wanted.services);
  const after = namesOf(services);
  if (before.join() === after.join()) return null;
  const gone = before.filter((name) => !after.includes(name));
  const { id: incidentId } = incident;
  await transaction.incidentService.deleteMany({ where: { incidentId } });
  await transaction.incidentService.createMany({
    data: services.map(({ namespace, name }) => ({ incidentId, namespace, service: name })),
  });
  const list = (names: string[]) => names.join(", ") || "no service";
  return {
    before: { services: before },
    after: { services: after },
    message: `It concerns ${list(after)}, before ${list(before)}.`,
    data: {},
    ...(gone.length > 0 && { wantsReason: `Say why it does not concern ${list(gone)}.` }),
  };
}

function changeDrill({ isDrill }: StoredIncident, wanted: Input): Difference | null {
  if (wanted.isDrill === undefined || wanted.isDrill === isDrill) return null;
  const data = { isDrill: wanted.isDrill };
  return {
    before: { isDrill },
    after: data,
    message: data.isDrill ? "It is a drill." : "It is no drill.",
    data,
    ...(data.isDrill && { wantsReason: "Say why it is a drill." }),
  };
}

function changeClock(incident: StoredIncident, wanted: Input, now: Date): Difference[] {
  const before = clockOf(incident);
  const names = clockTimes.filter((name) => {
    const at = wanted.clock?.[name];
    const isUnknown = name === "impactStartedAt" && before.impactStartSource === "unknown";
    return at !== undefined && (isUnknown || at.toISOString() !== before[name]);
  });
  if (names.length === 0) return [];
  const isKnownNow = names.includes("impactStartedAt");
  const after: Clock = { ...before, impactStartSource: isKnownNow ? "edited" : before.impactStartSource };
  for (const name of names) {
    const refusal = refuseEarlyTime(name, incident);
    if (refusal) throw new DomainError("invalid-input", refusal, { fields: { [`clock.${name}`]: [refusal] } });
    after[name] = wanted.clock?.[name]?.toISOString() ?? before[name] ?? "";
  }
  // A start that nobody knows stands at the detection.
  if (after.impactStartSource === "unknown") after.impactStartedAt = earlier(before.impactStartedAt, after.detectedAt);
  const fields = Object.fromEntries(clockTimes.map((name) => [name, `clock.${name}`]));
  refuseTimes(after, latest(now, before), fields);
  const data = clockColumns(after);
  return names.map((name) => {
    const isStart = name === "impactStartedAt";
    const was = isStart && before.impactStartSource === "unknown" ? null : before[name];
    return {
      before: { [name]: before[name], ...(isStart && { impactStartSource: before.impactStartSource }) },
      after: { [name]: after[name], ...(isStart && { impactStartSource: after.impactStartSource }) },
      message: `${clockNames[name]} at ${readable(after[name])}, ${was ? `before ${readable(was)}` : "which was not known"}.`,
      data,
      wantsReason: "Say why the time is another one.",
    };
  });
}

/** A time that its command has not set yet; one that was passed over may be given later. */
function refuseEarlyTime(name: ClockTime, { step, resolvedAt }: StoredIncident): string | null {
  const reached = step === "done" ? steps.length : steps.indexOf(step as Step);
  if (name === "acknowledgedAt" && reached < steps.indexOf("assess"))
    return "It is not acknowledged yet: acknowledge it with its time.";
  if (name === "mitigatedAt" && reached < steps.indexOf("resolve")) return "It is not mitigated yet: say so with its time.";
  if (name === "resolvedAt" && resolvedAt === null) return "It is not resolved yet: resolve it with its time.";
  return null;
}

function readable(time: string | null): string {
  return time === null ? "unknown" : formatUtc(time);
}

function earlier(a: string, b: string): string {
  return Date.parse(a) < Date.parse(b) ? a : b;
}
