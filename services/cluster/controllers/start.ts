import type { Logger } from "#lib/runtime/logger.ts";
import type { Cluster } from "../api.ts";
import { startAutoscaler } from "./autoscaling/controller.ts";
import { type Clock, systemTimers, type Timers } from "./clock.ts";
import type { AutoscalingOptions, Context } from "./controller.ts";
import { startCronJobController } from "./cronjob/controller.ts";
import { startCustomResourceCleanup } from "./deletion/custom-resources.ts";
import { startEventExpiry } from "./deletion/event-expiry.ts";
import { startGarbageCollector } from "./deletion/garbage-collector.ts";
import { startNamespaceController } from "./deletion/namespaces.ts";
import { startPodGarbageCollector } from "./deletion/pod-gc.ts";
import { startDeploymentController } from "./deployment/controller.ts";
import { startDisruptionController } from "./disruption/controller.ts";
import { startEndpointsController } from "./endpoints/controller.ts";
import { EventRecorder } from "./events.ts";
import { createIndexes } from "./indexes.ts";
import { startJobController } from "./job/controller.ts";
import { startNodeController } from "./nodes/controller.ts";
import { startTaintEviction } from "./nodes/taint-eviction.ts";
import { startReplicaSetController } from "./replicaset/controller.ts";
import { startRouteController } from "./routes/controller.ts";
import { startScheduler } from "./scheduler/controller.ts";
import { startStatefulSetController } from "./statefulset/controller.ts";
import { View } from "./view.ts";
import { startVirtualNodes } from "./virtual-nodes/controller.ts";
import { startVolumeController } from "./volumes/controller.ts";

export type ControllersOptions = {
  cluster: Cluster;
  logger: Logger;
  clock: Clock;
  timers?: Timers;
  /** Default 40 s, four heartbeats of a kubelet. */
  nodeGraceMs?: number;
  /** Where the directories of local volumes are; without it none are provisioned. */
  volumesDir?: string;
  autoscaling?: AutoscalingOptions;
};

const starters = [
  startDeploymentController,
  startReplicaSetController,
  startStatefulSetController,
  startJobController,
  startCronJobController,
  startVolumeController,
  startScheduler,
  startEndpointsController,
  startRouteController,
  startNodeController,
  startTaintEviction,
  startDisruptionController,
  startVirtualNodes,
  startAutoscaler,
  startNamespaceController,
  startGarbageCollector,
  startCustomResourceCleanup,
  startPodGarbageCollector,
  startEventExpiry,
];

/** Starts the scheduler and every controller on one view of the cluster. `stop` waits for the passes under way. */
export function startControllers(options: ControllersOptions): { stop(): Promise<void> } {
  const { cluster, logger, clock, timers = systemTimers, nodeGraceMs = 40_000, volumesDir, autoscaling } = options;
  const view = new View(cluster);
  const events = new EventRecorder({ cluster, clock, logger });
  const recorder = (component: string) => events.source(component);
  const indexes = createIndexes(view);
  const context: Context = { cluster, view, indexes, clock, timers, logger, nodeGraceMs, recorder, volumesDir, autoscaling };
  const controllers = starters.map((start) => start(context));
  view.start();
  return {
    async stop() {
      view.stop();
      await Promise.all(controllers.map((controller) => controller.stop()));
      await events.flush();
    },
  };
}
