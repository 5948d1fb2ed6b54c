import { type Change, type NewObject, resources, StatusError } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { podsWithLabels } from "../indexes.ts";
import type { Pod } from "../objects.ts";
import { adopted, controllerOf, released } from "../owners.ts";
import { isActive } from "../pod-state.ts";
import { ignoreExisting, ignoreNotFound, isNamespaceTerminating, messageOf } from "../refusals.ts";
import { isEmptySelector, matchesSelector } from "../selectors.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { VolumeClaim } from "../volumes/types.ts";
import type { Requeue } from "../work-queue.ts";
import { planStatefulSet, type StatefulSetPlan } from "./plan.ts";
import { ordinalOf, type Revisions } from "./pods.ts";
import { planRevision, surplusRevisions } from "./revisions.ts";
import { planStatus } from "./status.ts";
import type { ControllerRevision, StatefulSet } from "./types.ts";

/** Keeps each StatefulSet's pods, their claims and its history. */
export function startStatefulSetController(context: Context): Controller {
  const { cluster, view, indexes, clock } = context;
  const events = context.recorder("statefulset-controller");
  const revisionsByController = view.index<ControllerRevision>(resources.controllerRevisions, (revision) => [
    controllerOf(revision)?.uid ?? `orphans of ${revision.metadata.namespace}`,
  ]);

  return runController(context, { name: "statefulset", keysFor, reconcile });

  function* keysFor({ id, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.statefulSets)) yield keyOf(object);
    if (sameResource(id, resources.persistentVolumeClaims)) yield* setsOf(object.metadata.namespace, hasClaims);
    if (!sameResource(id, resources.pods) && !sameResource(id, resources.controllerRevisions)) return;
    for (const one of previous ? [object, previous] : [object]) {
      const owner = controllerOf(one);
      if (owner?.kind === "StatefulSet") yield `${one.metadata.namespace}/${owner.name}`;
      const { labels } = one.metadata;
      if (!owner && labels) yield* setsOf(one.metadata.namespace, ({ spec }) => matchesSelector(spec.selector, labels));
    }
  }

  function setsOf(namespace: string | undefined, wanted: (set: StatefulSet) => boolean): string[] {
    return cluster.list<StatefulSet>(resources.statefulSets, { namespace }).filter(wanted).map(keyOf);
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const set = cluster.get<StatefulSet>(resources.statefulSets, namespace, name);
    if (!set || isEmptySelector(set.spec.selector)) return undefined;
    await claimPods(set);
    await adoptRevisions(set);
    const revisions = await syncRevisions(set);
    const { uid } = set.metadata;
    const claim = (claimName: string) => cluster.get<VolumeClaim>(resources.persistentVolumeClaims, namespace, claimName);
    const plan = planStatefulSet({ set, revisions, pods: indexes.podsByController.get(uid), claim, now: clock.now() });
    const failure = await apply(set, plan);
    await syncStatus(key, revisions);
    const history = revisionsByController.get(uid);
    const inUse = [revisions.current, revisions.update];
    for (const { metadata } of surplusRevisions(set, history, indexes.podsByController.get(uid), inUse))
      await cluster.delete(resources.controllerRevisions, namespace, metadata.name).catch(ignoreNotFound);
    if (failure) throw failure.reason;
    return plan.requeueAfterMs === undefined ? undefined : { afterMs: plan.requeueAfterMs };
  }

  async function claimPods(set: StatefulSet): Promise<void> {
    const { metadata, spec } = set;
    for (const pod of indexes.podsByController.get(metadata.uid)) {
      if (matchesSelector(spec.selector, pod.metadata.labels) || pod.metadata.deletionTimestamp) continue;
      await cluster.update<Pod>(resources.pods, released(pod, new Set([metadata.uid])));
    }
    if (metadata.deletionTimestamp) return;
    for (const pod of podsWithLabels(indexes, metadata.namespace ?? "", spec.selector.matchLabels ?? {})) {
      if (controllerOf(pod) || !isActive(pod) || ordinalOf(set, pod) === undefined) continue;
      if (matchesSelector(spec.selector, pod.metadata.labels)) await cluster.update<Pod>(resources.pods, adopted(pod, set));
    }
  }

  async function adoptRevisions(set: StatefulSet): Promise<void> {
    if (set.metadata.deletionTimestamp) return;
    for (const orphan of revisionsByController.get(`orphans of ${set.metadata.namespace}`)) {
      if (matchesSelector(set.spec.selector, orphan.metadata.labels))
        await cluster.update<ControllerRevision>(resources.controllerRevisions, adopted(orphan, set));
    }
  }

  async function syncRevisions(set: StatefulSet): Promise<Revisions> {
    const known = revisionsByController.get(set.metadata.uid);
    const update = await updateRevision(set, known);
    const current = known.find(({ metadata }) => metadata.name === set.status?.currentRevision);
    return { update, current: current ?? update };
  }

  async function updateRevision(set: StatefulSet, known: readonly ControllerRevision[]): Promise<ControllerRevision> {
    const plan = planRevision(set, known);
    if (plan.action === "keep") return plan.update;
    if (plan.action === "raise") return cluster.update<ControllerRevision>(resources.controllerRevisions, plan.update);
    try {
      return await cluster.create<ControllerRevision>(resources.controllerRevisions, plan.revision);
    } catch (error) {
      if (error instanceof StatusError && error.reason === "AlreadyExists") await noteCollision(set, plan.revision);
      throw error;
    }
  }

  /** Another template has the same hash: the next pass tries with another one. */
  async function noteCollision(set: StatefulSet, { metadata }: NewObject<ControllerRevision>): Promise<void> {
    const existing = cluster.get(resources.controllerRevisions, set.metadata.namespace ?? "", metadata.name ?? "");
    if (!existing) return;
    const status = { replicas: 0, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 };
    await cluster.updateStatus<StatefulSet>(resources.statefulSets, { ...set, status });
  }

  async function syncStatus(key: string, revisions: Revisions): Promise<void> {
    const { namespace, name } = splitKey(key);
    const set = cluster.get<StatefulSet>(resources.statefulSets, namespace, name);
    if (!set) return;
    const status = planStatus(set, indexes.podsByController.get(set.metadata.uid), revisions, clock.now());
    if (status) await cluster.updateStatus<StatefulSet>(resources.statefulSets, { ...set, status });
  }

  async function apply(set: StatefulSet, plan: StatefulSetPlan): Promise<PromiseRejectedResult | undefined> {
    const results = await Promise.allSettled([
      ...plan.create.map(({ pod, claims }) => createPod(set, pod, claims)),
      ...plan.claims.map(({ podName, claim }) => createClaim(set, podName, claim)),
      ...plan.remove.map((pod) => removePod(set, pod)),
      ...plan.relabel.map((pod) => cluster.update<Pod>(resources.pods, pod)),
      ...plan.retain.map((claim) => cluster.update<VolumeClaim>(resources.persistentVolumeClaims, claim)),
    ]);
    return results.find((result) => result.status === "rejected");
  }

  async function createPod(set: StatefulSet, pod: NewObject<Pod>, claims: readonly NewObject<VolumeClaim>[]): Promise<void> {
    const { name = "" } = pod.metadata;
    for (const claim of claims) await createClaim(set, name, claim);
    await told(set, "create", `Pod ${name} in StatefulSet ${set.metadata.name}`, async () => {
      await cluster.create<Pod>(resources.pods, pod);
    });
  }

  async function createClaim(set: StatefulSet, podName: string, claim: NewObject<VolumeClaim>): Promise<void> {
    const what = `Claim ${claim.metadata.name} Pod ${podName} in StatefulSet ${set.metadata.name}`;
    await told(set, "create", what, async () => {
      await cluster.create<VolumeClaim>(resources.persistentVolumeClaims, claim).catch(ignoreExisting);
    });
  }

  async function removePod(set: StatefulSet, { metadata }: Pod): Promise<void> {
    await told(set, "delete", `Pod ${metadata.name} in StatefulSet ${set.metadata.name}`, async () => {
      const preconditions = { uid: metadata.uid };
      await cluster.delete(resources.pods, metadata.namespace ?? "", metadata.name, { preconditions }).catch(ignoreNotFound);
    });
  }

  /** Does it, and records how it went in the words of Kubernetes. */
  async function told(set: StatefulSet, verb: "create" | "delete", what: string, act: () => Promise<void>): Promise<void> {
    const word = verb === "create" ? "Create" : "Delete";
    try {
      await act();
      const success = what.startsWith("Claim") ? "success" : "successful";
      events.record(set, { type: "Normal", reason: `Successful${word}`, message: `${verb} ${what} ${success}` });
    } catch (error) {
      const message = `${verb} ${what} failed error: ${messageOf(error)}`;
      if (!isNamespaceTerminating(error)) events.record(set, { type: "Warning", reason: `Failed${word}`, message });
      throw error;
    }
  }
}

function hasClaims({ spec }: StatefulSet): boolean {
  return (spec.volumeClaimTemplates ?? []).length > 0;
}
