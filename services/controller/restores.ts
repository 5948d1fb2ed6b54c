import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import { RestoreRunner } from "#lib/domain/recovery/restores/runner.ts";

/** The loop that takes restores up. `stop` gives back those under way, and resolves when none is. */
export function restoreLoops(context: RecoveryContext): {
  loops: { name: string; intervalMs: number; pass: () => Promise<unknown> }[];
  stop: () => Promise<void>;
} {
  const runner = new RestoreRunner(context);
  return { loops: [{ name: "restores", intervalMs: 1_000, pass: () => runner.pass() }], stop: () => runner.stop() };
}
