import type { LimitsPreview, TimedLimits } from "#lib/domain/autoscaling/schemas.ts";
import { FieldChanges } from "../../../../../ui/actions/preview-view.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { ForecastView } from "../../../../../ui/forecast-view.tsx";
import { ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";

/** What changed limits would do, and whether the nodes have room for it. */
export function LimitsPreviewView({
  preview,
  error,
  isLoading,
  onRetry,
}: {
  preview: LimitsPreview | undefined;
  error: unknown;
  isLoading: boolean;
  onRetry: () => void;
}) {
  if (error) return <ErrorNotice what="What would change could not be computed" error={error} onRetry={onRetry} />;
  if (!preview) return isLoading ? <Skeleton className="h-16" /> : null;
  return (
    <section aria-label="Will change" aria-live="polite" className="grid gap-2 border-t pt-2.5">
      <FieldChanges changes={preview.changes} />
      <ForecastView forecast={preview.forecast} />
    </section>
  );
}

/** The timed changes that have ended. */
export function PastLimits({ past }: { past: TimedLimits[] }) {
  if (past.length === 0) return null;
  return (
    <details>
      <summary className="cursor-pointer text-ink-2 hover:text-ink">Earlier changes for a while ({past.length})</summary>
      <ul className="mt-1.5 grid gap-1">
        {past.map(({ id, to, startedAt, actor, reason, outcome }) => (
          <li key={id} className="text-ink-2">
            <TimeAgo at={startedAt} className="text-ink-3" /> {to.min} to {to.max} by {actor}
            {reason ? ` (“${reason}”)` : ""}. {outcome}
          </li>
        ))}
      </ul>
    </details>
  );
}
