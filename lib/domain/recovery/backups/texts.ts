import type { Manifest } from "../archive/manifest.ts";
import type { RecoveryCheck } from "../schemas.ts";

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** "1.3 MiB". */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[power]}`;
}

type Outcome = { failed: readonly RecoveryCheck[] } | { problem: string };

/** How a backup ended, in a sentence or two. */
export function describeMade(manifest: Manifest | null, outcome: Outcome): string {
  const lacking = manifest?.parts.flatMap(({ title, error }) => (error === null ? [] : [`${title} is missing: ${error}`])) ?? [];
  return [describeOutcome(outcome), ...lacking].join(" ");
}

function describeOutcome(outcome: Outcome): string {
  if ("problem" in outcome) return `Saved, but it could not be read back: ${outcome.problem}`;
  const [first, ...others] = outcome.failed;
  return first ? describeFailed(first, others.length) : "Saved, and read back without a fault.";
}

/** What a proof found to be wrong. */
export function describeFailed({ name, wanted, found }: RecoveryCheck, others: number): string {
  const more = others === 0 ? "" : ` ${others === 1 ? "One more check" : `${others} more checks`} did not pass.`;
  return `${name}: wanted ${wanted}, found ${found}.${more}`;
}
