import type { Pod } from "../objects.ts";
import { filtersFor } from "./filters.ts";
import { scoreNodes } from "./scores.ts";
import type { NodeInfo, Snapshot } from "./snapshot.ts";

export type Placement = { node: string } | { message: string };

/** The node that suits the pod best, or why none does. Of equals the first by name is taken, so that a plan is repeatable. */
export function placePod(pod: Pod, snapshot: Snapshot): Placement {
  const { nodes } = snapshot;
  if (nodes.length === 0) return { message: "no nodes available to schedule pods" };
  const filter = filtersFor(pod, snapshot);
  const reasons = new Map<string, number>();
  const fitting: NodeInfo[] = [];
  for (const info of nodes) {
    const refusals = filter(info);
    if (refusals.length === 0) fitting.push(info);
    for (const reason of refusals) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const [winner] = scoreNodes(pod, fitting, snapshot).sort(
    (left, right) => right.score - left.score || (left.info.node.metadata.name < right.info.node.metadata.name ? -1 : 1),
  );
  if (winner) return { node: winner.info.node.metadata.name };
  const told = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return { message: `0/${nodes.length} nodes are available: ${told.join(", ")}.` };
}
