import { type DrillRunner, DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { queueDueDrills } from "#lib/domain/recovery/drills/schedules.ts";

/** The loops that drills need, by name: each pass may be repeated, and run by two controllers at once. */
export function drillLoops(context: DrillRunner): { name: string; intervalMs: number; pass: () => Promise<unknown> }[] {
  const runner = new DrillRunnerPass(context);
  return [
    { name: "drills", intervalMs: 1_000, pass: () => runner.pass() },
    { name: "drill-schedules", intervalMs: 10_000, pass: () => queueDueDrills(context) },
  ];
}
