import type { Prisma } from "#lib/database/generated/client.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { AuditedAfter } from "../../actions/ledger.ts";
import type { Snapshot } from "../../actions/plan.ts";
import { authorise, type ConsoleContext, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type ChartedService, requireService } from "../../metrics/target.ts";
import { parseInput } from "../../validation.ts";
import type { Analysis } from "../strategy.ts";
import { fillTemplate } from "./measure.ts";
import { type MetricSeries, type ReleaseTimes, replayRelease } from "./replay-release.ts";
import { type ReplayAnswer, type ReplayedRelease, replayOutcomes, replaySchema } from "./replay-schemas.ts";
import type { Split } from "./samples.ts";
import { findMetric, fitAnalysis, type MetricTemplate, unknownMetrics } from "./templates.ts";

/** What changes a service's template, and is a release by that; restarts bring nothing new. */
const releaseVerbs = ["image", "template", "rollback", "rollout"];
const withRollout = { rollout: true } as const;
type Entry = Prisma.AuditEntryGetPayload<{ include: typeof withRollout }>;
type Release = Omit<ReplayedRelease, "comparedBy" | "outcome" | "message" | "stoppedAt" | "afterSeconds" | "metrics"> & {
  hasCandidate: boolean;
};

/**
 * Tries an analysis on the past releases of a service, by what Prometheus has kept of them. Nothing is written. Throws not-found,
 * invalid-input, prometheus-unavailable or prometheus-refused.
 */
export async function replayAnalysis(context: ConsoleContext, ref: unknown, input: unknown): Promise<ReplayAnswer> {
  authorise(context, "viewer", "try an analysis");
  const { analysis, days, releases: most, minutes } = parseInput(replaySchema, input);
  const service = await requireService(context, ref);
  const { prometheus } = context;
  if (!prometheus) throw new DomainError("prometheus-unavailable", "No Prometheus is configured.");
  const settings = fitAnalysis(analysis, service.kind);
  if (settings.metrics.length === 0) {
    throw new DomainError("invalid-input", `A ${service.kind} has none of these metrics: ${analysis.metrics.join(", ")}.`);
  }
  const found = await listReleases(context, service, { days, most });
  const now = Math.floor(context.clock().getTime() / 1000);
  const releases: ReplayedRelease[] = [];
  for (const [index, release] of found.entries()) {
    const next = found[index - 1];
    const end = Math.min(now, next ? secondsOf(next.at) : now, secondsOf(release.at) + minutes * 60);
    releases.push(await replay(prometheus, service, settings, release, end));
  }
  const count = Object.fromEntries(
    replayOutcomes.map((outcome) => [outcome, releases.filter((release) => release.outcome === outcome).length]),
  ) as ReplayAnswer["count"];
  return { releases, count, leftOut: unknownMetrics(analysis, service.kind) };
}

async function replay(
  prometheus: PrometheusClient,
  service: ChartedService,
  settings: Analysis,
  { hasCandidate, ...release }: Release,
  end: number,
): Promise<ReplayedRelease> {
  const times = timesOf(settings, secondsOf(release.at), end);
  const split = splitOf(release, hasCandidate);
  const templates = settings.metrics.flatMap((name) => findMetric(service.kind, name) ?? []);
  const measured = await Promise.all(
    templates.map((template) => readSeries(prometheus, service, template, { split, settings, times })),
  );
  const comparedBy = split && (split.label === "track" ? "track" : "version");
  return { ...release, comparedBy, ...(await replayRelease(settings, measured, split, times)) };
}

/** One query for each expression over the whole release. */
async function readSeries(
  prometheus: PrometheusClient,
  service: ChartedService,
  template: MetricTemplate,
  { split, settings, times }: { split: Split | null; settings: Analysis; times: ReleaseTimes },
): Promise<MetricSeries> {
  const [first, last] = [times.times[0], times.times.at(-1)];
  if (first === undefined || last === undefined) return { template, series: {} };
  const filled = fillTemplate(template, service, {
    label: split?.label ?? "track",
    windowSeconds: settings.windowSeconds,
    sinceSeconds: last - times.from,
  });
  const range = { from: first, to: last, stepSeconds: settings.intervalSeconds };
  const ask = async ([name, expr]: [string, string]) => [name, await prometheus.queryRange(expr, range)] as const;
  return { template, series: Object.fromEntries(await Promise.all(Object.entries(filled).map(ask))) };
}

const mostTimes = 1_000;

function timesOf({ intervalSeconds }: Analysis, from: number, end: number): ReleaseTimes {
  const length = Math.min(mostTimes, Math.max(0, Math.floor((end - from) / intervalSeconds)));
  return { from, times: Array.from({ length }, (_, index) => from + (index + 1) * intervalSeconds) };
}

/** Versions tell old from new also where no candidate stood beside stable: both answer while one replaces the other. */
function splitOf({ fromVersion, toVersion }: Pick<Release, "fromVersion" | "toVersion">, hasCandidate: boolean): Split | null {
  if (fromVersion && toVersion && fromVersion !== toVersion) {
    return { label: "version", candidate: toVersion, stable: fromVersion };
  }
  return hasCandidate ? { label: "track", candidate: "candidate", stable: "" } : null;
}

/** The releases of a service, newest first. */
async function listReleases(
  { db, clock }: Pick<ConsoleContext, "db" | "clock">,
  { namespace, name }: ChartedService,
  { days, most }: { days: number; most: number },
): Promise<Release[]> {
  const entries = await translateDatabaseErrors(() =>
    db.auditEntry.findMany({
      where: {
        targetKind: "service",
        targetNamespace: namespace,
        targetName: name,
        verb: { in: releaseVerbs },
        outcome: "succeeded",
        at: { gte: new Date(clock().getTime() - days * 86_400_000) },
      },
      include: withRollout,
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: most,
    }),
  );
  return entries.map(describeRelease);
}

function describeRelease({ id, at, verb, actorName, before, after, rollout }: Entry): Release {
  const was = (before ?? {}) as Partial<Snapshot>;
  const { intended = {} } = (after ?? {}) as Partial<AuditedAfter>;
  const strategy = rollout?.strategy as { kind: string } | null | undefined;
  return {
    auditId: id,
    rolloutId: rollout?.id ?? null,
    at: (rollout?.startedAt ?? at).toISOString(),
    verb,
    actor: actorName,
    fromVersion: rollout?.fromVersion ?? was.version ?? null,
    toVersion: rollout?.toVersion ?? intended.version ?? null,
    state: rollout?.state ?? null,
    hasCandidate: strategy != null && strategy.kind !== "rolling",
  };
}

function secondsOf(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000);
}
