import type { PrometheusClient, PrometheusSeries } from "#lib/prometheus/client.ts";
import { formatDuration } from "../../duration.ts";
import { DomainError } from "../../errors.ts";
import type { ProofResult } from "./schemas.ts";

/** A rule as Prometheus evaluates it. */
export type TestedRule = { name: string; query: string; forSeconds: number; health: string };

/** What a rule is run over: the incident's time, and whose alert is wanted. */
export type RuleCase = {
  rule: string;
  withinSeconds: number;
  impactStartedAt: Date;
  endedAt: Date;
  /** namespace/name; a series that names another service is no alert of this incident. None: every series counts. */
  services: string[];
};

type Judgement = Omit<ProofResult, "at">;

/** At most so many points a series: Prometheus refuses 11,000. */
const mostPoints = 2_000;
const shortestStepSeconds = 5;

/**
 * Runs a rule's expression as it is now over the data of an incident, and judges whether it would have fired soon enough. It speaks of
 * that incident only: what is not in Prometheus any more proves nothing.
 */
export async function testRule(
  prometheus: PrometheusClient | null,
  rules: readonly TestedRule[],
  wanted: RuleCase,
): Promise<Judgement> {
  if (!prometheus) return unknown("No Prometheus is connected: the rule cannot be run.");
  const named = rules.filter(({ name }) => name === wanted.rule);
  if (named.length === 0) return failed(`Prometheus has no alert rule ${wanted.rule}.`);
  const broken = named.find(({ health }) => health === "err");
  if (broken) return failed(`Prometheus cannot evaluate ${wanted.rule}.`);
  const from = wanted.impactStartedAt.getTime() / 1000;
  const until = Math.max(wanted.endedAt.getTime() / 1000, from + wanted.withinSeconds);
  const stepSeconds = Math.max(shortestStepSeconds, Math.ceil((until - from) / mostPoints));
  try {
    // What is up tells whether Prometheus has data of that time at all.
    const heard = await prometheus.queryRange("count(up)", { from, to: until, stepSeconds });
    if (heard.every(({ points }) => points.length === 0))
      return unknown("Prometheus has no data of the incident's time any more.");
    const judged = await Promise.all(
      named.map(async ({ query, forSeconds }) => {
        const range = { from: from - forSeconds, to: until, stepSeconds };
        return firstFiring(await prometheus.queryRange(query, range, { maxSeries: 1_000 }), {
          ...wanted,
          forSeconds,
          stepSeconds,
        });
      }),
    );
    return judge(wanted, Math.min(...judged.map((at) => at ?? Number.POSITIVE_INFINITY)));
  } catch (error) {
    if (error instanceof DomainError) return unknown(error.message);
    throw error;
  }
}

type Replay = Pick<RuleCase, "services"> & { forSeconds: number; stepSeconds: number };

/** When an alert of one of the services would first have fired, Unix seconds: once it was true for so long. Null for never. */
export function firstFiring(series: readonly PrometheusSeries[], { services, forSeconds, stepSeconds }: Replay): number | null {
  const times = series
    .filter(
      ({ labels }) => services.length === 0 || !labels.service || services.includes(`${labels.namespace}/${labels.service}`),
    )
    .flatMap(({ points }) => {
      let since: number | null = null;
      let last = Number.NEGATIVE_INFINITY;
      for (const [at] of points) {
        if (since === null || at - last > stepSeconds * 1.5) since = at;
        if (at - since >= forSeconds) return [at];
        last = at;
      }
      return [];
    });
  return times.length === 0 ? null : Math.min(...times);
}

function judge({ rule, withinSeconds, impactStartedAt }: RuleCase, firedAt: number): Judgement {
  const within = formatDuration(withinSeconds * 1000);
  if (!Number.isFinite(firedAt)) return failed(`${rule}, as it is now, would not have fired in this incident.`);
  const after = Math.max(0, firedAt - impactStartedAt.getTime() / 1000);
  const when = `${rule}, as it is now, would have fired ${formatDuration(after * 1000)} after the impact began`;
  if (after > withinSeconds) return failed(`${when}: ${within} are allowed.`);
  return { verdict: "passed", message: `${when}, within the ${within} that are allowed.` };
}

const failed = (message: string): Judgement => ({ verdict: "failed", message });
const unknown = (message: string): Judgement => ({ verdict: "unknown", message });
