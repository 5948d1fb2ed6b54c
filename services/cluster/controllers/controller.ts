import type { Logger } from "#lib/runtime/logger.ts";
import type { Change, Cluster } from "../api.ts";
import type { MetricSources } from "./autoscaling/sources.ts";
import type { Clock, Timers } from "./clock.ts";
import type { EventSource } from "./events.ts";
import type { Indexes } from "./indexes.ts";
import type { View } from "./view.ts";
import { type Requeue, WorkQueue } from "./work-queue.ts";

/** What every controller works with. */
export type Context = {
  cluster: Cluster;
  view: View;
  indexes: Indexes;
  clock: Clock;
  timers: Timers;
  logger: Logger;
  /** After so long without a sign of life of its kubelet a node is unknown. */
  nodeGraceMs: number;
  /** A recorder of events whose source is the named component. */
  recorder: (component: string) => EventSource;
  /** Where the directories of local volumes are; without it none are provisioned. */
  volumesDir?: string;
  autoscaling?: AutoscalingOptions;
};

/** Without sources, autoscalers report that they get no metrics. The period is 15 s by default. */
export type AutoscalingOptions = { sources?: MetricSources; periodMs?: number };

export type Controller = { name: string; stop: () => Promise<void> };

export type ControllerOptions = {
  name: string;
  concurrency?: number;
  /** Keys that are looked at once at the start, whether an object exists for them or not. */
  initial?: readonly string[];
  /** The keys that a change wakes. It must be cheap: it runs on every change, inside the write. */
  keysFor: (change: Change) => Iterable<string>;
  reconcile: (key: string) => Promise<Requeue>;
};

/** Joins a controller to the view: changes wake keys, and the queue reconciles them. */
export function runController(
  context: Context,
  { name, concurrency = 4, initial = [], keysFor, reconcile }: ControllerOptions,
): Controller {
  const { view, timers, logger } = context;
  const queue = new WorkQueue({ name, logger, timers, concurrency, work: reconcile });
  view.onChange((change) => {
    for (const key of keysFor(change)) queue.add(key);
  });
  for (const key of initial) queue.add(key);
  return { name, stop: () => queue.stop() };
}
