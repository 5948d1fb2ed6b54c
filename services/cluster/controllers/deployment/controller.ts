import { type Change, resources, StatusError } from "../../api.ts";
import { withCondition } from "../conditions.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Condition, Deployment, Pod, ReplicaSet } from "../objects.ts";
import { adopted, controllerOf, isControlledBy, released } from "../owners.ts";
import { hasEnded } from "../pod-state.ts";
import { ignoreNotFound, messageOf } from "../refusals.ts";
import { isEmptySelector, matchesSelector } from "../selectors.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { progressDeadlineMs } from "./limits.ts";
import { type DeploymentPlan, planDeployment } from "./plan.ts";
import { revisionAnnotation } from "./revisions.ts";
import { condition } from "./status.ts";
import { sameTemplate } from "./template.ts";

/** Keeps each Deployment's ReplicaSets as its rollout wants them. */
export function startDeploymentController(context: Context): Controller {
  const { cluster, view, indexes, clock } = context;
  const events = context.recorder("deployment-controller");
  const orphans = view.index<ReplicaSet>(resources.replicaSets, (set) =>
    controllerOf(set) ? [] : [set.metadata.namespace ?? ""],
  );

  return runController(context, { name: "deployment", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.deployments)) yield keyOf(object);
    if (sameResource(id, resources.replicaSets)) {
      const sets = previous ? [object, previous] : [object];
      for (const set of sets) yield* ownersOf(set as ReplicaSet);
    }
    if (sameResource(id, resources.pods) && (type === "DELETED" || hasEnded(object as Pod))) {
      const owner = controllerOf(object);
      const set = owner && cluster.get<ReplicaSet>(resources.replicaSets, object.metadata.namespace ?? "", owner.name);
      if (set) yield* ownersOf(set);
    }
  }

  function ownersOf(set: ReplicaSet): string[] {
    const owner = controllerOf(set);
    if (owner) return owner.kind === "Deployment" ? [`${set.metadata.namespace}/${owner.name}`] : [];
    return cluster
      .list<Deployment>(resources.deployments, { namespace: set.metadata.namespace })
      .filter(({ spec }) => !isEmptySelector(spec.selector) && matchesSelector(spec.selector, set.metadata.labels))
      .map(keyOf);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const deployment = cluster.get<Deployment>(resources.deployments, namespace, name);
    if (!deployment) return undefined;
    if (isEmptySelector(deployment.spec.selector)) {
      const message = "This deployment is selecting all pods. A non-empty selector is required.";
      events.record(deployment, { type: "Warning", reason: "SelectingAll", message });
      return undefined;
    }
    await claim(deployment);
    const plan = planDeployment({
      deployment,
      replicaSets: indexes.replicaSetsByController.get(deployment.metadata.uid),
      podsOf: (set) => indexes.podsByController.get(set.metadata.uid),
      now: clock.now(),
    });
    await apply(deployment, plan);
    return plan.requeueAfterMs === undefined ? undefined : { afterMs: plan.requeueAfterMs };
  }

  async function claim(deployment: Deployment): Promise<void> {
    const { selector } = deployment.spec;
    for (const set of indexes.replicaSetsByController.get(deployment.metadata.uid)) {
      if (matchesSelector(selector, set.metadata.labels)) continue;
      await cluster.update<ReplicaSet>(resources.replicaSets, released(set, new Set([deployment.metadata.uid])));
    }
    if (deployment.metadata.deletionTimestamp) return;
    for (const set of orphans.get(deployment.metadata.namespace ?? "")) {
      if (set.metadata.deletionTimestamp || !matchesSelector(selector, set.metadata.labels)) continue;
      await cluster.update<ReplicaSet>(resources.replicaSets, adopted(set, deployment));
    }
  }

  async function apply(deployment: Deployment, plan: DeploymentPlan): Promise<void> {
    if (plan.create) await createReplicaSet(deployment, plan.create);
    for (const { replicaSet, event } of plan.update) {
      await cluster.update<ReplicaSet>(resources.replicaSets, replicaSet);
      if (event) events.record(deployment, event);
    }
    let current = deployment;
    if (plan.revision !== undefined) {
      const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: plan.revision };
      current = await cluster.update<Deployment>(resources.deployments, {
        ...deployment,
        metadata: { ...deployment.metadata, annotations },
      });
    }
    if (plan.status) await cluster.updateStatus<Deployment>(resources.deployments, { ...current, status: plan.status });
    for (const { metadata } of plan.remove) {
      const options = { propagationPolicy: "Background", preconditions: { uid: metadata.uid } } as const;
      await cluster.delete(resources.replicaSets, metadata.namespace ?? "", metadata.name, options).catch(ignoreNotFound);
    }
  }

  async function createReplicaSet(
    deployment: Deployment,
    { replicaSet, event }: NonNullable<DeploymentPlan["create"]>,
  ): Promise<void> {
    try {
      await cluster.create<ReplicaSet>(resources.replicaSets, replicaSet);
      if (event) events.record(deployment, event);
    } catch (error) {
      if (error instanceof StatusError && error.reason === "AlreadyExists")
        await noteCollision(deployment, replicaSet.metadata.name ?? "");
      else await noteFailure(deployment, replicaSet.metadata.name ?? "", error);
      throw error;
    }
  }

  /** Another template has the same hash, or another owner the same name: the next pass tries with another hash. */
  async function noteCollision(deployment: Deployment, name: string): Promise<void> {
    const existing = cluster.get<ReplicaSet>(resources.replicaSets, deployment.metadata.namespace ?? "", name);
    if (!existing) return;
    if (isControlledBy(existing, deployment) && sameTemplate(existing.spec.template, deployment.spec.template)) return;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await cluster.updateStatus<Deployment>(resources.deployments, {
      ...deployment,
      status: { ...deployment.status, collisionCount },
    });
  }

  async function noteFailure(deployment: Deployment, name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    events.record(deployment, { type: "Warning", reason: "ReplicaSetCreateError", message });
    if (progressDeadlineMs(deployment) === undefined) return;
    const failed: Condition = condition(clock.now(), "Progressing", "False", "ReplicaSetCreateError", message);
    const conditions = withCondition(deployment.status?.conditions, failed);
    if (conditions.every((one) => deployment.status?.conditions?.includes(one))) return;
    await cluster.updateStatus<Deployment>(resources.deployments, {
      ...deployment,
      status: { ...deployment.status, conditions },
    });
  }
}
