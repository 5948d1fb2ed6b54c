import { isDeepStrictEqual } from "node:util";
import type { NewObject } from "../../api.ts";
import { withCondition } from "../conditions.ts";
import type { PlannedEvent } from "../events.ts";
import type { Condition, Deployment, DeploymentStatus, Pod, ReplicaSet } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import { findCondition, hasEnded } from "../pod-state.ts";
import { desiredReplicas, isRollingUpdate, progressDeadlineMs } from "./limits.ts";
import { findNewReplicaSet, isActiveSet, oldestFirst, replicasOf, sumOf } from "./replica-sets.ts";
import { highestRevision, newReplicaSetAnnotations, revisionAnnotation, revisionOf, sizeAnnotations } from "./revisions.ts";
import { isScalingEvent, newReplicaSetSize, rollingScaleDown, type Sizes, scaledSizes } from "./scale.ts";
import { condition, countedStatus, isComplete, progressCheckInMs, rolloutStatus } from "./status.ts";
import { templateHash, templateHashLabel, withHashLabel } from "./template.ts";

export type DeploymentWorld = {
  deployment: Deployment;
  /** The ReplicaSets that the Deployment controls. */
  replicaSets: readonly ReplicaSet[];
  /** The pods of those ReplicaSets; only Recreate looks at them. */
  podsOf: (replicaSet: ReplicaSet) => readonly Pod[];
  now: Date;
};

export type DeploymentPlan = {
  create?: { replicaSet: NewObject<ReplicaSet>; event?: PlannedEvent };
  update: { replicaSet: ReplicaSet; event?: PlannedEvent }[];
  remove: ReplicaSet[];
  /** The revision annotation that the Deployment should carry, when it carries another one. */
  revision?: string;
  status?: DeploymentStatus;
  requeueAfterMs?: number;
};

/** One pass of the Deployment controller, decided without touching anything. Kubernetes: pkg/controller/deployment. */
export function planDeployment(world: DeploymentWorld): DeploymentPlan {
  const { deployment, replicaSets } = world;
  const draft = new Draft(world);
  if (deployment.metadata.deletionTimestamp === undefined) {
    draft.notePause();
    draft.syncRevision();
    if (deployment.spec.paused || isScalingEvent(deployment, replicaSets)) {
      draft.resize(scaledSizes(deployment, draft.newest, draft.old), { evenIfSame: true });
      if (deployment.spec.paused) draft.cleanUp();
    } else {
      if (isRollingUpdate(deployment)) rollingStep(world, draft);
      else recreateStep(world, draft);
      return draft.finish(rolloutStatus(draft.observed(), draft.conditions));
    }
  }
  return draft.finish(countedStatus(draft.observed(), draft.conditions));
}

function rollingStep({ deployment }: DeploymentWorld, draft: Draft): void {
  const newest = draft.newestOrCreated();
  const size = newReplicaSetSize(deployment, draft.all(), newest);
  if (size !== replicasOf(newest)) {
    draft.resize(new Map([[newest.metadata.name, size]]));
    return;
  }
  const down = rollingScaleDown(deployment, newest, draft.old);
  if (down.size > 0) draft.resize(down);
  else if (isComplete(deployment, deployment.status ?? {})) draft.cleanUp();
}

function recreateStep({ deployment, podsOf }: DeploymentWorld, draft: Draft): void {
  const active = draft.old.filter(isActiveSet);
  if (active.length > 0) {
    draft.resize(new Map(active.map(({ metadata }) => [metadata.name, 0])));
    return;
  }
  const stillRunning = draft.old.some((set) => (set.status?.replicas ?? 0) > 0 || podsOf(set).some((pod) => !hasEnded(pod)));
  if (stillRunning) return;
  const newest = draft.newestOrCreated();
  draft.resize(new Map([[newest.metadata.name, desiredReplicas(deployment)]]));
  if (isComplete(deployment, deployment.status ?? {})) draft.cleanUp();
}

/** The plan while it is made: what later steps see already contains what earlier steps decided. */
class Draft {
  newest: ReplicaSet | undefined;
  old: ReplicaSet[];
  conditions: readonly Condition[];
  readonly #world: DeploymentWorld;
  readonly #events = new Map<string, PlannedEvent>();
  #removed: ReplicaSet[] = [];
  #created: ReplicaSet | undefined;

  constructor(world: DeploymentWorld) {
    this.#world = world;
    this.newest = findNewReplicaSet(world.deployment, world.replicaSets);
    this.old = world.replicaSets.filter((replicaSet) => replicaSet !== this.newest).toSorted(oldestFirst);
    this.conditions = world.deployment.status?.conditions ?? [];
  }

  all(): ReplicaSet[] {
    return this.newest ? [...this.old, this.newest] : this.old;
  }

  observed() {
    const { deployment, now } = this.#world;
    return { deployment, newest: this.newest, old: this.old, now };
  }

  /** A rollout is not blamed for time in which it was paused; one that already failed keeps its verdict. */
  notePause(): void {
    const { deployment } = this.#world;
    const progressing = findCondition(this.conditions, "Progressing");
    if (progressDeadlineMs(deployment) === undefined || progressing?.reason === "ProgressDeadlineExceeded") return;
    const wasPaused = progressing?.reason === "DeploymentPaused";
    if (deployment.spec.paused && !wasPaused) this.#setProgressing("Unknown", "DeploymentPaused", "Deployment is paused");
    if (!deployment.spec.paused && wasPaused) this.#setProgressing("Unknown", "DeploymentResumed", "Deployment is resumed");
  }

  /** Makes an existing ReplicaSet with the Deployment's template the newest revision, which is also how a rollback takes effect. */
  syncRevision(): void {
    const { newest } = this;
    if (!newest) return;
    const { deployment } = this.#world;
    const annotations = newReplicaSetAnnotations(deployment, newest.metadata.annotations ?? {}, highestRevision(this.old) + 1);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    const changed = !isDeepStrictEqual(annotations, newest.metadata.annotations ?? {});
    if (changed || minReadySeconds !== (newest.spec.minReadySeconds ?? 0)) {
      this.#replace({ ...newest, metadata: { ...newest.metadata, annotations }, spec: { ...newest.spec, minReadySeconds } });
    }
    if (progressDeadlineMs(deployment) !== undefined && !findCondition(this.conditions, "Progressing")) {
      this.#setProgressing("True", "FoundNewReplicaSet", `Found new replica set "${newest.metadata.name}"`);
    }
  }

  newestOrCreated(): ReplicaSet {
    if (this.newest) return this.newest;
    const { deployment, now } = this.#world;
    const { selector, template, minReadySeconds = 0 } = deployment.spec;
    const hash = templateHash(template, deployment.status?.collisionCount);
    const annotations = newReplicaSetAnnotations(deployment, {}, highestRevision(this.old) + 1);
    const hashedTemplate = withHashLabel(template, hash);
    const empty: ReplicaSet = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        namespace: deployment.metadata.namespace,
        uid: "",
        resourceVersion: "",
        creationTimestamp: now.toISOString(),
        labels: hashedTemplate.metadata?.labels,
        annotations: { ...annotations, ...sizeAnnotations(deployment) },
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas: 0,
        minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
        template: hashedTemplate,
      },
    };
    const replicas = newReplicaSetSize(deployment, [...this.old, empty], empty);
    this.newest = { ...empty, spec: { ...empty.spec, replicas } };
    this.#created = this.newest;
    if (progressDeadlineMs(deployment) !== undefined) {
      this.#setProgressing("True", "NewReplicaSetCreated", `Created new replica set "${empty.metadata.name}"`);
    }
    return this.newest;
  }

  resize(sizes: Sizes, { evenIfSame = false } = {}): void {
    const wanted = sizeAnnotations(this.#world.deployment);
    for (const replicaSet of this.all()) {
      const { metadata, spec } = replicaSet;
      const size = sizes.get(metadata.name);
      const current = replicasOf(replicaSet);
      if (size === undefined || (size === current && !evenIfSame)) continue;
      const annotations = { ...metadata.annotations, ...wanted };
      if (size === current && isDeepStrictEqual(annotations, metadata.annotations)) continue;
      this.#replace({ ...replicaSet, metadata: { ...metadata, annotations }, spec: { ...spec, replicas: size } });
      if (size === current) continue;
      const message = `Scaled ${size > current ? "up" : "down"} replica set ${metadata.name} to ${size} from ${current}`;
      this.#events.set(metadata.name, { type: "Normal", reason: "ScalingReplicaSet", message });
    }
  }

  /** Deletes the oldest revisions above the history limit that no pod belongs to. */
  cleanUp(): void {
    const limit = this.#world.deployment.spec.revisionHistoryLimit ?? 10;
    const alive = this.old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const surplus = alive
      .toSorted((left, right) => revisionOf(left) - revisionOf(right))
      .slice(0, Math.max(0, alive.length - limit));
    this.#removed = surplus.filter(
      (set) =>
        sumOf([set], replicasOf) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
    );
  }

  finish(status: DeploymentStatus): DeploymentPlan {
    const { deployment, replicaSets, now } = this.#world;
    const changed = this.all().filter((replicaSet) => replicaSet !== this.#created && !replicaSets.includes(replicaSet));
    const revision = this.newest?.metadata.annotations?.[revisionAnnotation];
    const stale = revision !== undefined && deployment.metadata.annotations?.[revisionAnnotation] !== revision;
    return {
      ...(this.#created ? { create: this.#creation(this.#created) } : {}),
      update: changed.map((replicaSet) => ({ replicaSet, event: this.#events.get(replicaSet.metadata.name) })),
      remove: this.#removed,
      ...(stale && deployment.metadata.deletionTimestamp === undefined ? { revision } : {}),
      ...(isDeepStrictEqual(plain(status), plain(deployment.status)) ? {} : { status }),
      requeueAfterMs: progressCheckInMs(deployment, status, now),
    };
  }

  #creation(created: ReplicaSet): NonNullable<DeploymentPlan["create"]> {
    const { name, namespace, labels, annotations, ownerReferences } = created.metadata;
    const replicaSet = { ...created, metadata: { name, namespace, labels, annotations, ownerReferences } };
    const size = replicasOf(created);
    if (size === 0) return { replicaSet };
    return {
      replicaSet,
      event: { type: "Normal", reason: "ScalingReplicaSet", message: `Scaled up replica set ${name} to ${size}` },
    };
  }

  #setProgressing(status: Condition["status"], reason: string, message: string): void {
    this.conditions = withCondition(this.conditions, condition(this.#world.now, "Progressing", status, reason, message));
  }

  #replace(changed: ReplicaSet): void {
    const { name } = changed.metadata;
    if (this.newest?.metadata.name === name) {
      if (this.#created === this.newest) this.#created = changed;
      this.newest = changed;
    } else this.old = this.old.map((one) => (one.metadata.name === name ? changed : one));
  }
}

/** Without absent fields and with zero counts dropped, so that a stored status and a computed one compare by meaning. */
function plain(status: DeploymentStatus | undefined): unknown {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== undefined && value !== 0));
}
