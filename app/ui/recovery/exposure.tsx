"use client";
import { formatDuration } from "#lib/domain/duration.ts";
import type { Coverage } from "#lib/domain/recovery/backups/schemas.ts";
import { cn } from "../class-names.ts";
import { useNow } from "../clock.tsx";

/** How much would be lost now, beside how much may be; counts on between two answers. */
export function Exposure({
  of: { exposureSeconds, rpoSeconds, state },
  takenAt,
}: {
  of: Pick<Coverage, "exposureSeconds" | "rpoSeconds" | "state">;
  /** When what the newest verified backup holds was so. */
  takenAt: string | null;
}) {
  const now = useNow();
  if (state === "none") return <span className="text-ink-3">–</span>;
  if (exposureSeconds === null) return <span className="font-medium text-bad">everything</span>;
  const known =
    takenAt !== null && now !== null ? Math.max(exposureSeconds, (now - Date.parse(takenAt)) / 1000) : exposureSeconds;
  return (
    <span className="whitespace-nowrap">
      <span className={cn("font-medium", known > rpoSeconds && "text-warn")}>{formatDuration(known * 1000)}</span>
      <span className="text-ink-3"> of {formatDuration(rpoSeconds * 1000)}</span>
    </span>
  );
}
