"use client";
import { useQuery } from "@tanstack/react-query";
import { messageOf } from "#lib/client/api.ts";
import { panelsQuery } from "#lib/client/metrics.ts";
import { draftDifferences, type PanelDraft } from "#lib/client/panel-draft.ts";
import type { TimeRange } from "#lib/client/time-range.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";

type Properties = {
  id: string;
  /** The chart that the draft was begun from. */
  base: Panel;
  draft: PanelDraft;
  range: TimeRange;
  /** What the server said to the attempt to save. */
  error: unknown;
  onKeep: (present: Panel | null) => void;
  onTake: (present: Panel) => void;
};

/** Somebody else changed the chart while it was edited: both side by side, and the choice between them. */
export function PanelConflict({ id, base, draft, range, error, onKeep, onTake }: Properties) {
  const { data, error: unread, isFetching, refetch } = useQuery({ ...panelsQuery(id, range, null), staleTime: 0 });
  if (unread) {
    return <ErrorNotice what="The present chart could not be read" error={unread} onRetry={() => refetch()} />;
  }
  const present = data?.panels.find((panel) => panel.id === base.id) ?? null;
  const isOld = present !== null && present.panelId === base.panelId && present.version === base.version;
  const isHidden = data?.hidden.some((each) => each.id === base.id) ?? false;
  const differences = present ? draftDifferences(present, draft) : [];
  return (
    <section aria-label="The present chart" className="rounded-md border border-warn-fill">
      <p role="alert" className="bg-warn-soft px-3 py-1.5 text-xs text-warn">
        {messageOf(error)} Nothing of yours was saved, and nothing of it is lost.
      </p>
      {!data || (isOld && isFetching) ? (
        <Skeleton className="m-3 h-16" />
      ) : (
        <div className="grid gap-2 px-3 py-2 text-xs">
          {present && differences.length > 0 && (
            <table className="w-full table-fixed">
              <thead className="text-ink-3">
                <tr className="text-left">
                  <th className="w-24 font-normal" />
                  <th className="pr-3 font-medium">The present chart</th>
                  <th className="font-medium">Yours</th>
                </tr>
              </thead>
              <tbody className="align-top">
                {differences.map(({ field, present: theirs, mine }) => (
                  <tr key={field}>
                    <td className="pr-2 text-ink-2">{field}</td>
                    <td className="break-words pr-3 font-mono">{theirs || "none"}</td>
                    <td className="break-words font-mono">{mine || "none"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {present && differences.length === 0 && <p className="text-ink-2">It says the same as yours.</p>}
          {isHidden ? (
            <p className="text-ink-2">It is hidden now. Bring it back by “hidden” above the charts, then save yours.</p>
          ) : (
            <p className="flex flex-wrap items-center gap-2">
              {present ? (
                <>
                  <Button size="small" onClick={() => onTake(present)}>
                    Take the present chart
                  </Button>
                  <Button size="small" onClick={() => onKeep(present)}>
                    Keep mine
                  </Button>
                  <span className="text-ink-3">Kept, yours takes its place when it is saved.</span>
                </>
              ) : (
                <>
                  <Button size="small" onClick={() => onKeep(null)}>
                    Keep mine as a new chart
                  </Button>
                  <span className="text-ink-3">The chart was removed meanwhile.</span>
                </>
              )}
            </p>
          )}
        </div>
      )}
    </section>
  );
}
