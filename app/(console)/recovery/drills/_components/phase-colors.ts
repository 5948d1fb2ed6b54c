import type { PhaseName } from "#lib/domain/recovery/drills/schemas.ts";

/** A tint for each phase, the same in the drawing and in the list. */
export const phaseFills: Record<PhaseName, string> = {
  detect: "var(--bad-fill)",
  assess: "var(--warn-fill)",
  "fail-over": "var(--series-4)",
  recover: "var(--series-2)",
};
