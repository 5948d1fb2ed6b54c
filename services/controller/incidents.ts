import { remindOwners } from "#lib/domain/incidents/action-items/remind.ts";
import { reopenReturned } from "#lib/domain/incidents/action-items/watch.ts";
import { escalateOverdue } from "#lib/domain/incidents/opening/escalate.ts";
import { openByRules } from "#lib/domain/incidents/opening/rules.ts";
import { markSilences } from "#lib/domain/incidents/recovery/silences.ts";
import { watchRecoveries } from "#lib/domain/incidents/recovery/watch.ts";
import { writeRestarts, writeTimelines } from "#lib/domain/incidents/timeline/follow.ts";
import { pruneImages } from "#lib/domain/incidents/timeline/images.ts";
import type { ReconcilerContext } from "./rollouts.ts";

/** The loops that incidents need, by name: each pass may be repeated, and run by two controllers at once. */
export function incidentLoops(
  context: ReconcilerContext,
  settings: { scrapeSeconds: number },
): { name: string; intervalMs: number; pass: () => Promise<unknown> }[] {
  const since = context.clock();
  return [
    { name: "incident-rules", intervalMs: 1_000, pass: () => openByRules(context, since) },
    { name: "incident-timelines", intervalMs: 2_000, pass: () => writeTimelines(context) },
    { name: "incident-restarts", intervalMs: 5_000, pass: () => writeRestarts(context) },
    { name: "incident-recoveries", intervalMs: 1_000, pass: () => watchRecoveries(context, settings) },
    { name: "incident-silences", intervalMs: 5_000, pass: () => markSilences(context) },
    { name: "incident-escalations", intervalMs: 1_000, pass: () => escalateOverdue(context) },
    { name: "incident-images", intervalMs: 3_600_000, pass: () => pruneImages(context.db, context.clock()) },
    { name: "action-items", intervalMs: 5_000, pass: () => reopenReturned(context) },
    { name: "action-item-reminders", intervalMs: 60_000, pass: () => remindOwners(context) },
  ];
}
