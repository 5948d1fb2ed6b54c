import { isDeepStrictEqual } from "node:util";
import { type Change, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { messageOf } from "../refusals.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import type { History } from "./behavior.ts";
import { type Outcome, planAutoscaler } from "./plan.ts";
import { noMetrics, readMetric } from "./sources.ts";
import { type FoundTarget, findTarget } from "./target.ts";
import type { HorizontalPodAutoscaler } from "./types.ts";

const defaultPeriodMs = 15_000;

/** Scales workloads to what their HorizontalPodAutoscalers want, every 15 s. */
export function startAutoscaler(context: Context): Controller {
  const { cluster, indexes, clock, autoscaling = {} } = context;
  const { sources = noMetrics, periodMs = defaultPeriodMs } = autoscaling;
  const events = context.recorder("horizontal-pod-autoscaler");
  const histories = new Map<string, History>();
  return runController(context, { name: "autoscaler", keysFor, reconcile });

  /** Status is the autoscaler's own: only a new or changed spec wakes it. */
  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (!sameResource(id, resources.horizontalPodAutoscalers)) return;
    if (type === "MODIFIED" && isDeepStrictEqual(object.spec, previous?.spec)) return;
    yield keyOf(object);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const find = () => cluster.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, namespace, name);
    const seen = find();
    if (!seen) {
      for (const known of histories.keys()) if (known.startsWith(`${key}/`)) histories.delete(known);
      return undefined;
    }
    const before = findTarget(cluster, indexes, seen);
    const pods = before instanceof Error ? [] : before.target.pods;
    const metrics = seen.spec.metrics ?? [];
    const readings = await Promise.all(metrics.map((spec) => readMetric(sources, spec, namespace, pods)));

    // The world may have changed while the metrics were read; from here on nothing comes between.
    const autoscaler = find();
    if (!autoscaler || !isDeepStrictEqual(autoscaler.spec, seen.spec)) return { afterMs: 1 };
    const found = findTarget(cluster, indexes, autoscaler);
    const target = found instanceof Error ? found : found.target;
    const historyKey = `${key}/${autoscaler.metadata.uid}`;
    const plan = planAutoscaler({ autoscaler, target, readings, history: histories.get(historyKey), now: clock.now() });
    const rescaled = plan.rescale && !(found instanceof Error) ? await rescale(found, plan.rescale) : undefined;
    const outcome: Outcome = rescaled ?? plan;
    const history = outcome.history ?? plan.history;
    if (history) histories.set(historyKey, history);
    for (const event of outcome.events) events.record(autoscaler, event);
    await writeStatus(autoscaler, outcome);
    return { afterMs: periodMs };
  }

  async function rescale({ id, object }: FoundTarget, { to, done, failed }: Rescale): Promise<Outcome> {
    try {
      await cluster.update(id, { ...object, spec: { ...object.spec, replicas: to } });
      return done;
    } catch (error) {
      return failed(messageOf(error));
    }
  }

  async function writeStatus(autoscaler: HorizontalPodAutoscaler, { status }: Outcome): Promise<void> {
    if (isDeepStrictEqual(status, autoscaler.status)) return;
    const { namespace = "", name, uid } = autoscaler.metadata;
    const current = cluster.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, namespace, name);
    if (!current || current.metadata.uid !== uid) return;
    await cluster.updateStatus<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, { ...current, status });
  }
}

type Rescale = NonNullable<ReturnType<typeof planAutoscaler>["rescale"]>;
