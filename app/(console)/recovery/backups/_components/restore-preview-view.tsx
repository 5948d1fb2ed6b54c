"use client";
import { OctagonX } from "lucide-react";
import { countOf } from "#lib/client/numbers.ts";
import type { RestoreMode, RestorePreview } from "#lib/domain/recovery/restores/schemas.ts";
import { ErrorNotice, Skeleton } from "../../../../ui/notices.tsx";

/** The dry run: what stands against it, what it changes, stops and loses. */
export function RestorePreviewView({
  preview,
  error,
  onRetry,
  mode,
}: {
  preview: RestorePreview | undefined;
  error: Error | null;
  onRetry: () => void;
  mode: RestoreMode;
}) {
  if (error && !preview) return <ErrorNotice what="The dry run failed" error={error} onRetry={onRetry} />;
  if (!preview) return <Skeleton className="h-24" />;
  const { problems, changes, stops, lost, pointInTime } = preview;
  return (
    <section aria-label="Dry run" className="grid gap-3">
      {problems.length > 0 && (
        <div role="alert" className="rounded-md border border-bad-fill/40 bg-bad-soft px-3 py-2.5">
          <p className="font-medium text-bad">This stands against it</p>
          <ul className="mt-1 grid gap-0.5">
            {problems.map((problem) => (
              <li key={problem} className="flex items-start gap-2">
                <OctagonX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" /> {problem}
              </li>
            ))}
          </ul>
        </div>
      )}
      {lost.length > 0 && (
        <div role="alert" className="rounded-md border border-warn-fill/40 bg-warn-soft px-3 py-2.5">
          <p className="font-medium text-warn">Lost with it</p>
          <ul className="mt-1 list-disc pl-4">
            {lost.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {stops.length > 0 && (
        <p>
          Stopped meanwhile and started again at the same size:{" "}
          {stops.map(({ namespace, name, replicas }, index) => (
            <span key={`${namespace}/${name}`}>
              {index > 0 && ", "}
              <span className="name font-medium">{name}</span> ({countOf(replicas, "instance")})
            </span>
          ))}
          .
        </p>
      )}
      <Changes changes={changes} mode={mode} />
      {mode === "in-place" && !pointInTime.available && (
        <p className="text-xs text-ink-3">No point in time can be chosen. {pointInTime.message}</p>
      )}
    </section>
  );
}

function Changes({ changes, mode }: { changes: RestorePreview["changes"]; mode: RestoreMode }) {
  if (changes.length === 0) {
    return <p className="text-ink-2">{mode === "scratch" ? "Nothing of the present is touched." : "Nothing would change."}</p>;
  }
  return (
    <div className="scroll-thin max-h-64 overflow-y-auto rounded-md border">
      <table aria-label="What changes" className="w-full table-fixed">
        <thead>
          <tr className="h-7 text-left text-2xs text-ink-3">
            <th scope="col" className="w-1/2 px-3 font-medium">
              What
            </th>
            <th scope="col" className="px-2 font-medium">
              Now
            </th>
            <th scope="col" className="px-2 font-medium">
              Afterwards
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ part, what, before, after }) => (
            <tr key={`${part} ${what}`} className="border-t">
              <th scope="row" className="truncate px-3 py-1 text-left font-normal" title={what}>
                <span className="text-ink-3">{part}</span> {what}
              </th>
              <td className="truncate px-2 text-ink-2" title={before ?? undefined}>
                {before ?? "–"}
              </td>
              <td
                className={before === after ? "truncate px-2 text-ink-2" : "truncate px-2 font-medium"}
                title={after ?? undefined}
              >
                {after ?? "–"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
