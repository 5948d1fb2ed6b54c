import type { JsonPatch, Metadata, Workload } from "#lib/kubernetes/objects.ts";
import { countReplicas } from "../../fleet/health.ts";
import type { Arrangement } from "./arrangement.ts";
import { candidateDeployment } from "./candidate.ts";
import { awaitComplete, hasTemplate, isObserved } from "./completion.ts";
import { divide, provideService, select } from "./divide-traffic.ts";
import { isDown } from "./outage.ts";
import { candidateOfLabel, rolloutAnnotation } from "./run.ts";
import { first, type Open, type Situation, sentence } from "./situation.ts";
import { isPausedByUs, pauseStable, resumeStable } from "./stable-pause.ts";
import { patchOf, patchStable, pathOf, scaleTo, servicePath, testVersion, workloadsPath } from "./writes.ts";

/**
 * The first thing in which the world differs from the wanted arrangement; null when it is so. Nothing changes sides before what it
 * needs is there: the selector is pinned before the candidate begins, and goes to it when it is available.
 */
export function reconcile(wanted: Arrangement, situation: Situation): Open | null {
  return first(
    () => (wanted.selector === "candidate" ? null : selectWithStable(wanted.selector, situation)),
    () => (wanted.candidate === null ? null : provideCandidate(wanted.candidate, situation)),
    () => (wanted.selector === "candidate" ? select("candidate", situation) : null),
    () => divide(wanted.percent, situation),
    () => arrangeStable(wanted, situation),
    () => (wanted.candidate === null ? removeCandidate(situation) : null),
  );
}

/**
 * Stable is whole before the Service is pinned to it or leaves the candidate for it: somebody else may have changed it, and an
 * autoscaler may have made it small while it had no traffic.
 */
function selectWithStable(side: "any" | "stable", situation: Situation): Open | null {
  const { run, world } = situation;
  const open = select(side, situation);
  const isReturn = run.weight === 100;
  if (!open || (side === "any" && !isReturn) || (isReturn && isDown(world))) return open;
  return (isReturn ? enlargeStable(situation) : null) ?? awaitComplete(world) ?? open;
}

/** Stable as large as before the rollout, where it has become smaller. */
export function enlargeStable(situation: Situation): Open | null {
  const { replicas } = situation.run.before;
  return (situation.world.stable.spec.replicas ?? 1) < replicas ? resizeStable(replicas, situation) : null;
}

/** Gives stable so many instances. */
export function resizeStable(replicas: number, { rolloutId, world: { stable } }: Situation): Open {
  return { writes: [patchStable(stable, [scaleTo(replicas)], rolloutId)], waiting: `Scaling stable to ${replicas}.` };
}

function provideCandidate(wanted: number | "stable", situation: Situation): Open | null {
  const { rolloutId, strategy, target, world } = situation;
  const { stable, candidate } = world;
  const replicas = wanted === "stable" ? fullSize(situation) : wanted;
  if (!candidate) {
    const { progressDeadlineSeconds } = strategy;
    const object = candidateDeployment(stable, { rolloutId, template: target.template, replicas, progressDeadlineSeconds });
    const { namespace = "" } = stable.metadata;
    return {
      writes: [{ kind: "create", path: workloadsPath(namespace), object }, ...provideService(situation)],
      waiting: `Starting ${replicas} of the candidate.`,
    };
  }
  if (candidate.metadata.annotations?.[rolloutAnnotation] !== rolloutId) {
    return removeCandidate(situation) ?? { writes: [], waiting: "Waiting until the candidate of an earlier rollout is gone." };
  }
  if (candidate.metadata.deletionTimestamp) return { writes: [], waiting: "The candidate is being deleted." };
  const service = provideService(situation);
  if (service.length > 0) return { writes: service, waiting: "The candidate gets a Service of its own." };
  if (candidate.spec.replicas !== replicas) {
    const write = patchOf(pathOf(candidate), candidate.metadata, [scaleTo(replicas)], rolloutId);
    return { writes: [write], waiting: `Scaling the candidate to ${replicas}.` };
  }
  const { updated, available } = countReplicas(candidate);
  if (isObserved(candidate) && updated >= replicas && available >= replicas) return null;
  const counted = isObserved(candidate) ? Math.min(updated, available) : 0;
  return { writes: [], waiting: sentence(`${counted} of ${replicas} candidate instances are available`, world.failing) };
}

/** As many as stable had or has; a candidate that serves does not become smaller when an autoscaler makes the idle side smaller. */
function fullSize({ run, world }: Situation): number {
  const { stable, candidate } = world;
  return Math.max(run.before.replicas, stable.spec.replicas ?? 1, candidate?.spec.replicas ?? 0);
}

function arrangeStable(wanted: Arrangement, situation: Situation): Open | null {
  const { rolloutId, target, world } = situation;
  const { stable, autoscaler } = world;
  const replicas = autoscaler ? besideAutoscaler(wanted.replicas, situation) : wanted.replicas;
  const scale = replicas === null || stable.spec.replicas === replicas ? [] : [scaleTo(replicas)];
  const isUpdate = wanted.template === "target";
  if (isUpdate && !hasTemplate(stable, target.template)) {
    const replace = { op: "replace", path: "/spec/template", value: target.template } as const;
    const grow = autoscaler && wanted.selector === "candidate" ? growTo(fullSize(situation), stable) : [];
    const patch = [replace, ...scale, ...grow];
    return { writes: [patchStable(stable, patch, rolloutId)], waiting: "Stable takes the new version." };
  }
  if (replicas !== null && scale.length > 0) return resizeStable(replicas, situation);
  if (isUpdate) return pauseOrComplete(wanted.pauseAfter, situation);
  if (replicas === null) return null;
  const left = (stable.status?.replicas ?? 0) - replicas;
  if (isObserved(stable) && left <= 0) return null;
  return { writes: [], waiting: `Waiting until stable has ${replicas} instances.` };
}

/** An autoscaler sets its own number; it rests while stable is at 0, and takes up again from what it is given then. */
export function besideAutoscaler(wanted: number | null, { run, world }: Situation): number | null {
  if (wanted === 0) return 0;
  return wanted !== null && world.stable.spec.replicas === 0 ? run.before.replicas : null;
}

/** Without traffic the autoscaler has made stable small; what is to take all of it again begins at the candidate's size. */
function growTo(replicas: number, { spec }: Workload): JsonPatch {
  return (spec.replicas ?? 1) < replicas ? [scaleTo(replicas)] : [];
}

function pauseOrComplete(pauseAfter: number | null, situation: Situation): Open | null {
  const { rolloutId, world } = situation;
  const { stable } = world;
  const { desired, updated } = countReplicas(stable);
  const isReached = pauseAfter !== null && updated >= pauseAfter;
  if (isPausedByUs(stable, rolloutId)) {
    if (!isReached) return resumeStable(situation);
    return { writes: [], waiting: `Paused with ${updated} of ${desired} updated, until it is promoted.`, isPaused: true };
  }
  if (stable.spec.paused) return { writes: [], waiting: "Stable was paused by somebody else; resume it." };
  if (isReached && stable.kind === "Deployment" && isObserved(stable) && updated < desired) {
    return { writes: [pauseStable(situation)], waiting: `Pausing with ${updated} updated.` };
  }
  return awaitComplete(world);
}

/** The candidate ends all of its instances before it goes: until then nothing may select them again. */
export function removeCandidate({ world }: Situation): Open | null {
  const { candidate, candidateService: service } = world;
  const waiting = "Waiting until the candidate's instances have ended.";
  if (candidate && isOurs(candidate.metadata)) {
    if (candidate.metadata.deletionTimestamp) return { writes: [], waiting };
    if (candidate.spec.replicas !== 0) {
      const patch = [testVersion(candidate.metadata), scaleTo(0)];
      return { writes: [{ kind: "patch", path: pathOf(candidate), patch }], waiting };
    }
    if (!isObserved(candidate) || (candidate.status?.replicas ?? 0) > 0) return { writes: [], waiting };
    return { writes: [{ kind: "remove", path: pathOf(candidate), object: candidate.metadata }], waiting };
  }
  if (service && isOurs(service.metadata)) {
    if (service.metadata.deletionTimestamp) return { writes: [], waiting };
    return { writes: [{ kind: "remove", path: servicePath(service.metadata), object: service.metadata }], waiting };
  }
  return null;
}

/** Whether a candidate of ours is there; others may have made a Deployment of that name. */
export function hasCandidate({ candidate }: Situation["world"]): boolean {
  return candidate !== null && isOurs(candidate.metadata);
}

function isOurs({ labels }: Metadata): boolean {
  return labels?.[candidateOfLabel] !== undefined;
}
