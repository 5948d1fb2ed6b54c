import { z } from "zod";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { parseInput } from "../validation.ts";
import { type EventKind, filterSchema, matches } from "./events.ts";
import type { FilterPreview } from "./schemas.ts";

const dayMs = 86_400_000;
const counted: EventKind[] = [
  "alert-fired",
  "alert-resolved",
  "rollout-failed",
  "rollout-aborted",
  "rollout-finished",
  "source-blind",
];

type Group = { event: EventKind; severity: string | null; namespace: string | null; service: string | null; count: number };

/** What a filter would have let pass in the last 24 hours, counted from what happened then. */
export async function previewFilter(context: Context, input: unknown): Promise<FilterPreview> {
  authorise(context, "viewer", "see what a filter matches");
  const { filter } = parseInput(z.object({ filter: filterSchema }), input);
  const groups = await countEvents(context);
  const byEvent = counted
    .filter((event) => filter.events.some((wanted) => wanted === event))
    .map((event) => {
      const of = groups.filter((group) => group.event === event);
      return { event, matched: sum(of.filter((group) => matches(filter, group))), total: sum(of) };
    });
  return {
    matched: byEvent.reduce((all, { matched }) => all + matched, 0),
    total: sum(groups),
    byEvent,
    uncounted: filter.events.filter((event) => !counted.includes(event)),
  };
}

function countEvents({ db, clock }: Context): Promise<Group[]> {
  const since = new Date(clock().getTime() - dayMs);
  return translateDatabaseErrors(
    () => db.$queryRaw<Group[]>`
      SELECT 'alert-fired' AS event, severity, namespace, service, count(*)::int AS count
      FROM alert_episodes WHERE starts_at >= ${since} GROUP BY 2, 3, 4
      UNION ALL
      SELECT 'alert-resolved', severity, namespace, service, count(*)::int
      FROM alert_episodes WHERE state = 'resolved' AND ends_at >= ${since} GROUP BY 2, 3, 4
      UNION ALL
      SELECT CASE state WHEN 'complete' THEN 'rollout-finished' ELSE 'rollout-' || state END, NULL, namespace, service, count(*)::int
      FROM rollouts WHERE state IN ('failed', 'aborted', 'complete') AND finished_at >= ${since} GROUP BY 1, 3, 4
      UNION ALL
      SELECT 'source-blind', NULL, NULL, NULL, count(*)::int FROM blind_windows WHERE began_at >= ${since}`,
  );
}

function sum(groups: readonly Group[]): number {
  return groups.reduce((all, { count }) => all + count, 0);
}
