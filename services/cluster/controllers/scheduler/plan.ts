import type { Pod } from "../objects.ts";
import { claimProblem, type Storage } from "./claims.ts";
import type { ClusterState, NodeInfo } from "./cluster-state.ts";
import { filtersFor } from "./filters.ts";
import { scoreNodes } from "./scores.ts";

const noStorage: Storage = { findClaim: () => undefined, findVolume: () => undefined };

export type Placement = { node: string } | { message: string };

/** The node that suits the pod best, or why none does. Of equals the first by name is taken, so that a plan is repeatable. */
export function placePod(pod: Pod, state: ClusterState, storage: Storage = noStorage): Placement {
  const { nodes } = state;
  if (nodes.length === 0) return { message: "no nodes available to schedule pods" };
  const problem = claimProblem(pod, storage);
  if (problem) return { message: `0/${nodes.length} nodes are available: ${problem}.` };
  const filter = filtersFor(pod, state, storage);
  const reasons = new Map<string, number>();
  const fitting: NodeInfo[] = [];
  for (const info of nodes) {
    const refusals = filter(info);
    if (refusals.length === 0) fitting.push(info);
    else for (const reason of refusals) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  let winner: { info: NodeInfo; score: number } | undefined;
  for (const one of scoreNodes(pod, fitting, state)) if (!winner || one.score > winner.score) winner = one;
  if (winner) return { node: winner.info.node.metadata.name };
  const told = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return { message: `0/${nodes.length} nodes are available: ${told.join(", ")}.` };
}
