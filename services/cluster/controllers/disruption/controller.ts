import { isDeepStrictEqual } from "node:util";
import { type Change, type ResourceId, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { podsWithLabels } from "../indexes.ts";
import type { Deployment, LabelSelector, Pod, ReplicaSet } from "../objects.ts";
import { controllerOf } from "../owners.ts";
import { isReady } from "../pod-state.ts";
import { messageOf } from "../refusals.ts";
import { matchesSelector } from "../selectors.ts";
import { keyOf, sameResource, splitKey } from "../view.ts";
import type { Requeue } from "../work-queue.ts";
import { type BudgetPlan, planBudget, withAllowedCondition } from "./plan.ts";
import type { PodDisruptionBudget } from "./types.ts";

const scaledKinds: readonly ResourceId[] = [resources.deployments, resources.replicaSets, resources.statefulSets];

type Scaled = { metadata: { uid: string }; spec: { replicas?: number } };

/** Keeps the status of the budgets: how many of a service's pods may be evicted now. */
export function startDisruptionController(context: Context): Controller {
  const { cluster, view, indexes, clock } = context;
  const events = context.recorder("controllermanager");
  const budgets = view.index<PodDisruptionBudget>(resources.podDisruptionBudgets, ({ metadata }) => [metadata.namespace ?? ""]);
  return runController(context, { name: "disruption", keysFor, reconcile });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    const namespace = object.metadata.namespace ?? "";
    if (sameResource(id, resources.podDisruptionBudgets)) {
      if (type !== "DELETED") yield keyOf(object);
    } else if (budgets.count(namespace) === 0) {
      return;
    } else if (sameResource(id, resources.pods)) {
      if (type === "MODIFIED" && !matters(object as Pod, previous as Pod)) return;
      const versions = previous ? [object, previous] : [object];
      for (const budget of budgets.get(namespace)) {
        if (versions.some(({ metadata }) => matchesSelector(budget.spec.selector, metadata.labels))) yield keyOf(budget);
      }
    } else if (scaledKinds.some((kind) => sameResource(id, kind))) {
      const [after, before] = [object, previous] as unknown as [Scaled, Scaled | undefined];
      if (after.spec.replicas !== before?.spec.replicas) for (const budget of budgets.get(namespace)) yield keyOf(budget);
    }
  }

  async function reconcile(key: string): Promise<Requeue> {
    const { namespace, name } = splitKey(key);
    const budget = cluster.get<PodDisruptionBudget>(resources.podDisruptionBudgets, namespace, name);
    if (!budget) return undefined;
    const pods = selectedPods(namespace, budget.spec.selector);
    if (pods.length === 0) {
      events.record(budget, { type: "Normal", reason: "NoPods", message: "No matching pods found" });
    }
    let plan: BudgetPlan;
    try {
      plan = planBudget(budget, pods, scaleOf, clock.now());
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
      events.record(budget, { type: "Warning", reason: "CalculateExpectedPodCountFailed", message });
      const closed = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...budget.status, disruptionsAllowed: 0 };
      await write(budget, withAllowedCondition(closed, budget, clock.now(), messageOf(error)));
      return undefined;
    }
    tell(budget, plan);
    await write(budget, plan.status);
    return plan.recheckMs === undefined ? undefined : { afterMs: plan.recheckMs + 1 };
  }

  async function write(budget: PodDisruptionBudget, status: PodDisruptionBudget["status"]): Promise<void> {
    if (isDeepStrictEqual(status, budget.status)) return;
    await cluster.updateStatus<PodDisruptionBudget>(resources.podDisruptionBudgets, { ...budget, status });
  }

  function tell(budget: PodDisruptionBudget, { unmanaged, overdue }: BudgetPlan): void {
    for (const pod of overdue) {
      const message = `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`;
      events.record(pod, { type: "Warning", reason: "NotDeleted", message });
    }
    if (unmanaged.length === 0) return;
    const message = `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
    events.record(budget, { type: "Warning", reason: "UnmanagedPods", message });
  }

  function selectedPods(namespace: string, selector: LabelSelector | undefined): Pod[] {
    if (!selector) return [];
    return podsWithLabels(indexes, namespace, selector.matchLabels ?? {}).filter(({ metadata }) =>
      matchesSelector(selector, metadata.labels),
    );
  }

  function scaleOf(pod: Pod): { uid: string; replicas: number } | undefined {
    const owner = controllerOf(pod);
    if (!owner) return undefined;
    const served = view.kinds.find(owner);
    const namespace = pod.metadata.namespace ?? "";
    if (served && !scaledKinds.some((kind) => sameResource(kind, served.id))) {
      const { resource, group } = served.id;
      throw new Error(`${group ? `${resource}.${group}` : resource} does not implement the scale subresource`);
    }
    const direct = served && cluster.get<ReplicaSet>(served.id, namespace, owner.name);
    const above = direct && controllerOf(direct);
    const deployment = above && cluster.get<Deployment>(resources.deployments, namespace, above.name);
    const found = deployment?.metadata.uid === above?.uid ? (deployment ?? direct) : direct;
    if (!direct || !found || direct.metadata.uid !== owner.uid) {
      throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
    }
    return { uid: found.metadata.uid, replicas: found.spec.replicas ?? 1 };
  }
}

function matters(pod: Pod, previous: Pod): boolean {
  return (
    isReady(pod) !== isReady(previous) ||
    pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    pod.metadata.labels !== previous.metadata.labels ||
    pod.metadata.ownerReferences !== previous.metadata.ownerReferences
  );
}
