import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type KubernetesObject, paths } from "#lib/kubernetes/objects.ts";
import type { Shape } from "#lib/kubernetes/pick-json.ts";
import { type Changes, Reflector, type ReflectorState } from "#lib/kubernetes/reflector.ts";
import { keptOfPod, trim } from "#lib/kubernetes/trim.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { FleetStore } from "./live.ts";

/** The one set of Kubernetes watches of a process. */
export type FleetWatches = { stop: () => Promise<void>; isSynced: () => boolean };

/** Starts the watches that feed the store; its Kubernetes feed is stale as soon as one of them is. */
export function startFleetWatches(client: KubernetesClient, store: FleetStore, logger: Logger): FleetWatches {
  function reflect<T extends KubernetesObject, Raw extends KubernetesObject>(
    path: string,
    trimObject: (object: Raw) => T,
    onChanges: (changes: Changes<T>) => void,
    kept?: Shape,
  ) {
    const backoff = new Backoff({ initialMs: 250, maxMs: 5_000 });
    return new Reflector<T, Raw>({ client, path, trim: trimObject, kept, onChanges, onState, backoff, logger });
  }
  const reflectors = [
    reflect(paths.deployments, trim.deployment, (changes) => store.applyWorkloads(changes)),
    reflect(paths.statefulSets, trim.statefulSet, (changes) => store.applyWorkloads(changes)),
    reflect(paths.replicaSets, trim.replicaSet, (changes) => store.applyRevisions(changes)),
    reflect(paths.controllerRevisions, trim.controllerRevision, (changes) => store.applyRevisions(changes)),
    reflect(paths.pods, trim.pod, (changes) => store.applyPods(changes), keptOfPod),
    reflect(paths.events, trim.event, (changes) => store.applyEvents(changes)),
  ];
  function onState() {
    const feed = joinStates(reflectors.map((reflector) => reflector.state));
    if (feed) store.setFeed({ name: "kubernetes", hint: null, ...feed });
  }
  for (const reflector of reflectors) reflector.start();
  return {
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
    isSynced: () => reflectors.every(({ state }) => state.state !== "starting"),
  };
}

/** The state of several watches as one feed; null while all is quiet but not all have started. */
export function joinStates(
  states: readonly ReflectorState[],
): { state: "connected" | "stale"; since: Date; lastError: string | null } | null {
  const stale = states.filter(({ state }) => state === "stale").toSorted((a, b) => a.since.getTime() - b.since.getTime())[0];
  if (stale) return { state: "stale", since: stale.since, lastError: stale.lastError };
  if (states.some(({ state }) => state === "starting")) return null;
  return { state: "connected", since: new Date(Math.max(...states.map(({ since }) => since.getTime()))), lastError: null };
}
