import type { ConsoleContext } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { StoredIncident } from "../stored.ts";
import { type ChartedService, marginSeconds, measureCharts } from "./charts.ts";
import type { Measured } from "./facts.ts";
import { type Harm, harmOf, isOutdated, measureImpact } from "./impact.ts";
import { readRecoveries } from "./recoveries.ts";
import type { Chart, Impact } from "./schemas.ts";

type Measuring = Pick<ConsoleContext, "prometheus" | "db" | "fleet" | "clock"> & { scrapeSeconds?: number };

type Fresh = { impact: Impact; charts: Chart[] };

/** Measures what an incident did, and reads the charts of it. What cannot be measured now is as it was measured before. */
export async function measureIncident(context: Measuring, incident: StoredIncident, before: Measured | null): Promise<Fresh> {
  const now = context.clock();
  const harm = harmOf(incident, (await readRecoveries(context.db, incident)).recoveredAt, now);
  const [impact, charts] = await Promise.all([measureImpact(context, harm), readCharts(context, harm, now)]);
  return betterOf(before, { impact, charts });
}

/** Measures again only what is worth it: for other times, other services, or where something could not be measured. */
export async function measureAnew(context: Measuring, incident: StoredIncident, before: Measured): Promise<Measured> {
  const harm = harmOf(incident, (await readRecoveries(context.db, incident)).recoveredAt, context.clock());
  return isWhole(before, harm) ? before : measureIncident(context, incident, before);
}

/** Whether nothing is to be gained by measuring again: it was measured for these times, and late enough to show what came after. */
export function isWhole({ impact, charts }: Measured, harm: Harm): boolean {
  if (!impact || impact.problem !== null || charts.length === 0 || isOutdated(impact, harm)) return false;
  return Date.parse(impact.measuredAt) >= harm.to.getTime() + marginSeconds.after * 1000;
}

/** Prometheus forgets, and may be away: what was known once is not given up for nothing. */
export function betterOf(before: Measured | null, after: Fresh): Fresh {
  return {
    impact: before?.impact && figures(after.impact) === 0 && figures(before.impact) > 0 ? before.impact : after.impact,
    charts: before && after.charts.length === 0 ? before.charts : after.charts,
  };
}

function figures({ services }: Impact): number {
  return services.filter(
    ({ own, probes, connections, latencyP95 }) => own || probes || connections.most !== null || latencyP95.during !== null,
  ).length;
}

async function readCharts({ prometheus, fleet, scrapeSeconds = 15 }: Measuring, harm: Harm, now: Date): Promise<Chart[]> {
  if (!prometheus || harm.services.length === 0) return [];
  const known = fleet.listServices();
  const services = harm.services.map((id): ChartedService => {
    const [namespace = "", name = ""] = id.split("/");
    const { kind = "", desired = null } = known.find((service) => service.id === id) ?? {};
    const ofSameKind = known.filter((service) => service.namespace === namespace && service.kind === kind).length;
    return { namespace, name, kind, desired, ofSameKind };
  });
  try {
    return await measureCharts(prometheus, services, { harm, now, scrapeSeconds });
  } catch (error) {
    if (error instanceof DomainError) return [];
    throw error;
  }
}
