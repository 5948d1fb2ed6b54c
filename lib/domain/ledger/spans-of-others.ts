import type { Plan, Snapshot } from "../actions/plan.ts";

/** What an action of Switchyard's found, meant and made. */
export type OwnAction = { before: Snapshot | null; intended: Plan["intended"]; generation: number };

/** Two states of a workload between which others changed it. */
export type Span = { before: Snapshot; after: Snapshot };

/**
 * Where others changed a workload between two looks at it, with Switchyard's own actions taken out: what such an action set is not
 * theirs. `ownGenerations` are those that rollouts made. Pure.
 */
export function spansOfOthers(looks: Span, actions: readonly OwnAction[], ownGenerations: ReadonlySet<number>): Span[] {
  const spans: Span[] = [];
  let state = looks.before;
  const add = (after: Snapshot) => {
    for (let generation = state.generation + 1; generation <= after.generation; generation += 1) {
      if (ownGenerations.has(generation)) continue;
      spans.push({ before: state, after });
      return;
    }
  };
  for (const action of actions) {
    const found = { ...(action.before ?? state), generation: action.generation - 1 };
    add(found);
    state = afterAction(found, action, looks.after);
  }
  add(looks.after);
  return spans;
}

/** What the template was in between nobody has kept: an action that changed it is taken to have made it as it is now. */
function afterAction(found: Snapshot, { intended, generation }: OwnAction, now: Snapshot): Snapshot {
  const { replicas = found.replicas, paused = found.paused } = intended;
  const { images, version, restartedAt, template } = now;
  const isTemplate = intended.images !== undefined || intended.restartedAt !== undefined || intended.template !== undefined;
  return { ...found, ...(isTemplate ? { images, version, restartedAt, template } : {}), replicas, paused, generation };
}
