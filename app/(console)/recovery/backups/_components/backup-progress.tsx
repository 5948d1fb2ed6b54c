"use client";
import { formatFigure } from "#lib/client/numbers.ts";
import { progressOf } from "#lib/client/recovery-view.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { BackupDetail, PartProgress } from "#lib/domain/recovery/backups/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";
import { useNow } from "../../../../ui/clock.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { LineShape } from "../../../../ui/recovery/marks.tsx";

/** How far each part is, at what rate, and when it is done. */
export function BackupProgress({ detail }: { detail: BackupDetail }) {
  const now = useNow();
  return (
    <section aria-labelledby="progress" className="border-b">
      <SectionHeader id="progress" title="Progress" aside={now !== null && wordsOf(detail, now)} />
      <ul className="grid gap-2 p-4">
        {detail.progress.map((part) => (
          <Part key={part.name} part={part} />
        ))}
      </ul>
    </section>
  );
}

/** "12 MiB of 40 MiB, 4 MiB/s, 7 s left". */
function wordsOf(detail: BackupDetail, now: number): string {
  const { bytes, totalBytes, bytesPerSecond, secondsLeft } = progressOf(detail, now);
  if (detail.backup.state !== "running") return formatFigure(bytes, "bytes");
  return [
    totalBytes === null
      ? formatFigure(bytes, "bytes")
      : `${formatFigure(bytes, "bytes")} of ${formatFigure(totalBytes, "bytes")}`,
    ...(bytesPerSecond === null ? [] : [`${formatFigure(bytesPerSecond, "bytes")}/s`]),
    ...(secondsLeft === null ? ["its end is not known"] : [`${formatDuration(secondsLeft * 1000)} left`]),
  ].join(", ");
}

const stepOf = { waiting: "waiting", running: "running", done: "done", failed: "failed" } as const;

function Part({ part: { name, state, bytes, totalBytes, message } }: { part: PartProgress }) {
  const share = state === "done" ? 1 : totalBytes ? Math.min(1, bytes / totalBytes) : null;
  return (
    <li className="grid grid-cols-[1rem_5rem_1fr_auto] items-center sm:grid-cols-[1rem_6rem_1fr_9rem] gap-x-3">
      <LineShape of="step" state={stepOf[state]} />
      <span className="font-medium">{name}</span>
      <span aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-line">
        {share !== null && (
          <span
            className={cn(
              "block h-full rounded-full transition-[width] duration-1000 ease-linear",
              state === "failed" ? "bg-bad-fill" : state === "done" ? "bg-good-fill" : "bg-accent-solid",
            )}
            style={{ width: `${share * 100}%` }}
          />
        )}
      </span>
      <span className="text-right text-ink-2">
        {formatFigure(bytes, "bytes")}
        {totalBytes !== null && state !== "done" && <span className="text-ink-3"> of {formatFigure(totalBytes, "bytes")}</span>}
      </span>
      {message && <span className={cn("col-span-3 col-start-2", state === "failed" ? "text-bad" : "text-ink-2")}>{message}</span>}
    </li>
  );
}
