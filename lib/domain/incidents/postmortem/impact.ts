import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { ConsoleContext } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { queryFleetFigures } from "../../metrics/figures.ts";
import type { Counts } from "../../objectives/burn.ts";
import { chooseObjective } from "../../objectives/held.ts";
import { countSlow, queryUsage, type Usage } from "../../objectives/indicators.ts";
import type { Objective } from "../../objectives/schemas.ts";
import type { StoredIncident } from "../stored.ts";
import type { Impact, ServiceImpact } from "./schemas.ts";

/** What is measured: whose users, from when until when. */
export type Harm = { services: string[]; from: Date; to: Date; until: Impact["until"] };

/** From when until when an incident did harm: by the data where these know its end, else by what people said. */
export function harmOf(
  incident: Pick<StoredIncident, "impactStartedAt" | "mitigatedAt" | "resolvedAt" | "services">,
  recoveredAt: Date | null,
  now: Date,
): Harm {
  const { impactStartedAt: from, mitigatedAt, resolvedAt } = incident;
  const ends: [Date | null, Impact["until"]][] = [
    [recoveredAt, "recovered"],
    [mitigatedAt, "mitigated"],
    [resolvedAt, "resolved"],
  ];
  const [to, until] = ends.find(([end]) => end !== null && end > from) ?? [now, "now" as const];
  const services = incident.services.map(({ namespace, service }) => `${namespace}/${service}`);
  return { services, from, to: to ?? now, until };
}

/** Whether the impact was measured over another time or of other services than the incident has now. */
export function isOutdated(impact: Impact, { services, from, to, until }: Harm): boolean {
  if (impact.until !== until || impact.from !== from.toISOString()) return true;
  if (until !== "now" && impact.to !== to.toISOString()) return true;
  return impact.services.map(({ service }) => service).join() !== services.join();
}

const daySeconds = 86_400;
/** An increase needs a few scrapes. */
const shortestSeconds = 60;
const beforeSeconds = 300;
const longTimeoutMs = 30_000;
const openConnections = "sum by (namespace, service) (connections_active or materi_websocket_connections_active)";

type Measuring = Pick<ConsoleContext, "prometheus" | "db" | "fleet" | "clock"> & { scrapeSeconds?: number };

/** Measures what an incident did to those who use its services. What cannot be measured is null, and `problem` says why. */
export async function measureImpact(context: Measuring, harm: Harm): Promise<Impact> {
  const { prometheus, clock } = context;
  const { services, from, to, until } = harm;
  const nothing = { from: from.toISOString(), to: to.toISOString(), until, measuredAt: clock().toISOString() };
  const unmeasured = (problem: string): Impact => ({ ...nothing, services: services.map(unknownImpact), problem });
  if (!prometheus) return unmeasured("No Prometheus is connected: nothing was measured.");
  if (services.length === 0)
    return { ...nothing, services: [], problem: "The incident names no service: there is nothing to measure." };
  try {
    return { ...nothing, services: await measureServices(context, prometheus, harm), problem: null };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return unmeasured(error.message);
  }
}

async function measureServices(
  { db, fleet, scrapeSeconds = 15 }: Measuring,
  prometheus: PrometheusClient,
  { services, from, to }: Harm,
): Promise<ServiceImpact[]> {
  const seconds = Math.max(shortestSeconds, Math.ceil((to.getTime() - from.getTime()) / 1000));
  const rows = await db.serviceObjective.findMany();
  const objectives = new Map(services.map((id) => [id, objectiveOf(id)]));
  const days = [...new Set([...objectives.values()].flatMap((objective) => (objective ? [objective.windowDays] : [])))];
  const [usage, before, during, connectionsBefore, connectionsMost, ...wholes] = await Promise.all([
    queryUsage(prometheus, seconds, longTimeoutMs, to),
    queryFleetFigures(prometheus, scrapeSeconds, { at: from, windowSeconds: beforeSeconds }),
    queryFleetFigures(prometheus, scrapeSeconds, { at: to, windowSeconds: seconds }),
    connections(openConnections, from),
    connections(`max_over_time((${openConnections})[${seconds}s:15s])`, to),
    ...days.map((windowDays) => queryUsage(prometheus, windowDays * daySeconds, longTimeoutMs, to)),
  ]);
  return services.map((service) => {
    const used = usage.get(service);
    const objective = objectives.get(service) ?? null;
    const whole = objective ? wholes[days.indexOf(objective.windowDays)]?.get(service) : undefined;
    return {
      service,
      own: used?.own ?? null,
      probes: used?.prober ?? null,
      connections: { before: connectionsBefore.get(service) ?? null, most: connectionsMost.get(service) ?? null },
      latencyP95: { before: before[service]?.latencyP95Seconds ?? null, during: during[service]?.latencyP95Seconds ?? null },
      budgets: objective && used && whole ? spentBudgets(objective, used, whole) : [],
    };
  });

  function objectiveOf(id: string): Objective | null {
    const written = fleet.listServices().find((service) => service.id === id)?.about.objectives;
    const set = rows.find(({ namespace, service }) => `${namespace}/${service}` === id) ?? null;
    if (!written)
      return set && chooseObjective({ availability: null, latency: null, latencyThreshold: null, window: null }, set).objective;
    return chooseObjective(written, set).objective;
  }

  async function connections(expr: string, at: Date): Promise<Map<string, number>> {
    const samples = await prometheus.query(expr, { at, timeoutMs: longTimeoutMs });
    return new Map(
      samples.flatMap(({ labels, value }) => (value === null ? [] : [[`${labels.namespace}/${labels.service}`, value] as const])),
    );
  }
}

/** Which share of each budget the time has spent: its bad requests over those that the whole window may have. */
export function spentBudgets(objective: Objective, during: Usage, whole: Usage): ServiceImpact["budgets"] {
  const { availability, latencyRatio, latencySeconds, windowDays } = objective;
  const budgets: ServiceImpact["budgets"] = [];
  const add = (
    kind: "availability" | "latency",
    seenBy: "prober" | "itself",
    target: number,
    { bad, all }: { bad: Counts | null | undefined; all: Counts | null | undefined },
  ) => {
    if (!bad || !all || all.all <= 0) return;
    budgets.push({ kind, target, windowDays, seenBy, spent: bad.bad / (all.all * (1 - target)) });
  };
  if (availability !== null) {
    const seenBy = whole.prober ? "prober" : "itself";
    const of = (usage: Usage) => (seenBy === "prober" ? usage.prober : usage.own);
    add("availability", seenBy, availability, { bad: of(during), all: of(whole) });
  }
  if (latencyRatio !== null && latencySeconds !== null) {
    const of = (usage: Usage) => countSlow(usage, latencySeconds)?.counts;
    add("latency", "itself", latencyRatio, { bad: of(during), all: of(whole) });
  }
  return budgets;
}

function unknownImpact(service: string): ServiceImpact {
  return {
    service,
    own: null,
    probes: null,
    connections: { before: null, most: null },
    latencyP95: { before: null, during: null },
    budgets: [],
  };
}
