import { type DeleteOptions, resources, StatusError } from "../api.ts";
import { withCondition } from "../controllers/conditions.ts";
import { needsNoBudget, takeFromBudget } from "../controllers/disruption/budget.ts";
import type { PodDisruptionBudget } from "../controllers/disruption/types.ts";
import type { Pod } from "../controllers/objects.ts";
import { matchesSelector } from "../controllers/selectors.ts";
import { refusals } from "../registry/refusals.ts";
import type { Registry, WriteOptions } from "../registry/registry.ts";
import { timestamp } from "../timestamp.ts";

type Parts = { registry: Registry; now: () => Date };

/** Deletes a pod unless its disruption budget refuses. */
export async function evict(
  { registry, now }: Parts,
  { namespace, name }: { namespace: string; name: string },
  { gracePeriodSeconds, preconditions, dryRun = false }: DeleteOptions & WriteOptions,
): Promise<void> {
  // A deletion that is refused for itself must not cost the budget anything.
  await registry.remove(resources.pods, namespace, name, { preconditions, dryRun: true });

  // From here to the budget's write nothing is awaited: two evictions never spend the same allowance.
  const pod = registry.get<Pod>(resources.pods, namespace, name);
  if (!pod) throw refusals.notFound(resources.pods, name);
  const budget = needsNoBudget(pod) ? undefined : budgetOf(pod, registry);
  const status = budget && takeFromBudget(pod, budget, now());
  if (dryRun) return;
  if (budget && status) await registry.updateStatus(resources.podDisruptionBudgets, { ...budget, status });

  const current = registry.get<Pod>(resources.pods, namespace, name);
  if (current?.metadata.uid === pod.metadata.uid) await registry.updateStatus(resources.pods, marked(current, now()));
  await registry.remove(resources.pods, namespace, name, { gracePeriodSeconds, preconditions: { uid: pod.metadata.uid } });
}

function budgetOf({ metadata }: Pod, registry: Registry): PodDisruptionBudget | undefined {
  const budgets = registry
    .list<PodDisruptionBudget>(resources.podDisruptionBudgets, { namespace: metadata.namespace })
    .filter(({ spec }) => matchesSelector(spec.selector, metadata.labels));
  if (budgets.length <= 1) return budgets[0];
  const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
  throw new StatusError(500, "", message);
}

function marked(pod: Pod, now: Date): Pod {
  const conditions = withCondition(pod.status?.conditions, {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: timestamp(now),
  });
  return { ...pod, status: { ...pod.status, conditions } };
}
