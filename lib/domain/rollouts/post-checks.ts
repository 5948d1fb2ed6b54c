import type { Rollout } from "#lib/database/generated/client.ts";
import { type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { type Context, transact } from "../context.ts";
import { describeService } from "../fleet/describe.ts";
import { fetchRevisions, findWorkload, selectorOf } from "../fleet/fresh.ts";
import { countReplicas } from "../fleet/health.ts";
import { type Instance, kindLabel, type ServiceFigures, type ServiceRef } from "../fleet/schemas.ts";
import { isOwnedBy } from "../fleet/template.ts";
import { queryFleetFigures } from "../metrics/figures.ts";
import { alarmLimits, isAlarm } from "../metrics/templates.ts";
import { firing } from "./start/waits.ts";

type CheckContext = Pick<Context, "db" | "kubernetes" | "prometheus" | "clock" | "logger">;

/** What is looked at when a rollout is over, as the events of kind "check" keep it in their `detail`. */
export type PostCheck = {
  check: "ready" | "alerts" | "error-ratio" | "latency" | "restarts";
  state: "passed" | "failed" | "unknown";
  message: string;
};

// The rate of a minute holds four scrapes of the usual 15 s.
const windowSeconds = 60;
const scrapeSeconds = 15;
const errorLimit = 0.01;

/**
 * Looks at a service whose rollout has just come to its end, and records what was found as events: instances ready, alerts, error
 * ratio, latency, restarts. Once for each time that the rollout began, by whichever controller is first; what cannot be asked is
 * recorded as unknown.
 */
export async function runPostChecks(context: CheckContext, rollout: Rollout): Promise<void> {
  const { id: rolloutId, namespace, service, startedAt } = rollout;
  const checks = await collectChecks(context, { namespace, name: service }, startedAt);
  const at = context.clock();
  await transact(context, async (transaction) => {
    await transaction.$queryRaw`SELECT id FROM rollouts WHERE id = ${rolloutId}::uuid FOR UPDATE`;
    const known = await transaction.rolloutEvent.count({ where: { rolloutId, kind: "check", at: { gte: startedAt } } });
    if (known > 0) return;
    await transaction.rollout.update({ where: { id: rolloutId }, data: { runVersion: { increment: 1 } } });
    await transaction.rolloutEvent.createMany({
      data: checks.map((check) => ({ rolloutId, at, kind: "check", by: "Switchyard", message: check.message, detail: check })),
    });
  });
}

async function collectChecks(context: CheckContext, ref: ServiceRef, since: Date): Promise<PostCheck[]> {
  const [found, alerts, figures] = await Promise.all([
    readService(context, ref).catch(() => null),
    context.db.alertEpisode.findMany({
      where: { namespace: ref.namespace, service: ref.name, ...firing },
      select: { name: true },
      distinct: ["name"],
      orderBy: { name: "asc" },
      take: 20,
    }),
    readFigures(context, ref),
  ]);
  const limits = alarmLimits(found?.workload.metadata.labels?.[kindLabel] ?? "");
  return [
    judgeReady(found?.workload ?? null),
    judgeRestarts(found?.instances ?? null, since),
    judgeAlerts(alerts.map(({ name }) => name)),
    judgeErrors(figures, limits.errorRatio ?? errorLimit),
    judgeLatency(figures, limits.latencyP95Seconds),
  ];
}

async function readService({ kubernetes, clock }: CheckContext, ref: ServiceRef) {
  const workload = await findWorkload(kubernetes, ref);
  if (!workload) return null;
  const [revisions, labelled] = await Promise.all([
    fetchRevisions(kubernetes, workload),
    kubernetes.list<Pod>(paths.podsOf(ref.namespace), { labelSelector: selectorOf(workload) }),
  ]);
  const owners = [workload, ...revisions].map(({ metadata }) => metadata.uid);
  const pods = labelled.filter((pod) => owners.some((uid) => isOwnedBy(pod, uid)));
  const { service, instances } = describeService({ workload, revisions, pods }, { now: clock(), staleSince: null });
  return { workload, instances: instances.filter(({ templateHash }) => templateHash === service.templateHash) };
}

/** The service's figures over the last minute; null when Prometheus cannot be asked. */
async function readFigures({ prometheus, clock, logger }: CheckContext, ref: ServiceRef): Promise<ServiceFigures | null> {
  if (!prometheus) return null;
  try {
    const figures = await queryFleetFigures(prometheus, scrapeSeconds, { at: clock(), windowSeconds, of: ref });
    return figures[`${ref.namespace}/${ref.name}`] ?? { requestsPerSecond: null, errorRatio: null, latencyP95Seconds: null };
  } catch (error) {
    logger.warn({ err: error, service: ref.name }, "a service cannot be measured after its rollout");
    return null;
  }
}

function judgeReady(workload: Workload | null): PostCheck {
  if (!workload) return answer("ready", "unknown", "Instances: the cluster cannot be asked.");
  const { desired, available } = countReplicas(workload);
  const isReady = available >= desired;
  return answer("ready", isReady ? "passed" : "failed", `Instances: ${available} of ${desired} are available.`);
}

function judgeRestarts(instances: readonly Instance[] | null, since: Date): PostCheck {
  if (!instances) return answer("restarts", "unknown", "Restarts: the cluster cannot be asked.");
  const restarted = instances.filter(
    ({ lastRestart, restarts }) => restarts > 0 && !(Date.parse(lastRestart?.at ?? "") < since.getTime()),
  );
  if (restarted.length === 0) return answer("restarts", "passed", "Restarts: none of the new instances has restarted.");
  const names = restarted.map(({ name, restarts }) => `${name} (${restarts})`).join(", ");
  return answer("restarts", "failed", `Restarts: ${names}.`);
}

function judgeAlerts(names: readonly string[]): PostCheck {
  if (names.length === 0) return answer("alerts", "passed", "Alerts: none of this service's fires.");
  return answer("alerts", "failed", `Alerts: ${names.join(", ")} ${names.length === 1 ? "fires" : "fire"}.`);
}

function judgeErrors(figures: ServiceFigures | null, limit: number): PostCheck {
  const ratio = figures?.errorRatio ?? null;
  if (ratio === null) return answer("error-ratio", "unknown", `Error ratio: ${whyUnknown(figures)}`);
  const state = isAlarm(ratio, limit) ? "failed" : "passed";
  return answer("error-ratio", state, `Error ratio: ${percent(ratio)} over the last minute; the limit is ${percent(limit)}.`);
}

function judgeLatency(figures: ServiceFigures | null, limit: number | null): PostCheck {
  const seconds = figures?.latencyP95Seconds ?? null;
  if (seconds === null) return answer("latency", "unknown", `Latency: ${whyUnknown(figures)}`);
  const state = isAlarm(seconds, limit) ? "failed" : "passed";
  const against = limit === null ? "; its kind has no limit" : `; the limit is ${milliseconds(limit)}`;
  return answer("latency", state, `Latency: p95 is ${milliseconds(seconds)} over the last minute${against}.`);
}

function whyUnknown(figures: ServiceFigures | null): string {
  return figures ? "nothing was measured in the last minute." : "Prometheus cannot be asked.";
}

function answer(check: PostCheck["check"], state: PostCheck["state"], message: string): PostCheck {
  return { check, state, message };
}

const percent = (ratio: number) => `${Number((ratio * 100).toPrecision(3))} %`;
const milliseconds = (seconds: number) => `${Number((seconds * 1000).toPrecision(3))} ms`;
