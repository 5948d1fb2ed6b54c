import type { Workload } from "#lib/kubernetes/objects.ts";
import type { RolloutTarget } from "../start/target.ts";
import type { Strategy } from "../strategy.ts";
import type { RolloutRun } from "./run.ts";
import type { World } from "./world.ts";
import type { Write } from "./writes.ts";

/** Everything that a pass decides on. */
export type Situation = {
  rolloutId: string;
  run: RolloutRun;
  strategy: Strategy;
  target: Pick<RolloutTarget, "template" | "before">;
  world: World & { stable: Workload };
};

/** The same without the workload, which may be gone: enough to leave the traffic as it was before. */
export type TrafficSituation = Omit<Situation, "world"> & { world: World };

/** What is still to be written or waited for. `isPaused`: it stands still on purpose. */
export type Open = { writes: Write[]; waiting: string; isPaused?: boolean };

/** What the first of the checks finds open. */
export function first(...checks: (() => Open | null)[]): Open | null {
  for (const check of checks) {
    const open = check();
    if (open) return open;
  }
  return null;
}

/** A sentence, with what is wrong with the instances when something is. */
export function sentence(start: string, failing: string | null): string {
  const text = failing ? `${start}; ${failing}` : start;
  return text.endsWith(".") ? text : `${text}.`;
}
