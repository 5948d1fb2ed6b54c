"use client";
import { ArrowRight, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { type ActionPreview, type ActionVerb, type FieldChange, isBreakerVerb } from "#lib/domain/actions/schemas.ts";
import type { ChangedField } from "#lib/domain/errors.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { Button } from "../button.tsx";
import { TemplateDiff } from "../diff-view.tsx";
import { ErrorNotice, Skeleton } from "../notices.tsx";

/** What the server says an action would do: what changes, what does not, who is affected. */
export function PreviewView({
  preview,
  error,
  isLoading,
  onRetry,
}: {
  preview: ActionPreview | undefined;
  error: unknown;
  isLoading: boolean;
  onRetry: () => void;
}) {
  if (error) return <ErrorNotice what="What would change could not be computed" error={error} onRetry={onRetry} />;
  if (!preview) return isLoading ? <Skeleton className="h-16" /> : null;
  return (
    <div className="grid gap-3" aria-live="polite">
      <Part title="Will change">
        {preview.nothingToDo ? <p className="text-warn">{preview.nothingToDo}</p> : <FieldChanges changes={preview.changes} />}
      </Part>
      {preview.template && preview.template.before !== preview.template.after && (
        <TemplateDiff
          isLow
          before={preview.template.before}
          after={preview.template.after}
          beforeTitle="Now"
          afterTitle="After"
        />
      )}
      {preview.affected.length > 0 && (
        <Part title="Affected now">
          <Sentences sentences={preview.affected} />
        </Part>
      )}
      {preview.unchanged.length > 0 && (
        <Part title="Will not change">
          <Sentences sentences={preview.unchanged} />
        </Part>
      )}
    </div>
  );
}

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="border-t pt-2.5">
    <h3 className="mb-1 text-xs font-medium text-ink-3">{title}</h3>
    {children}
  </section>
);

const Sentences = ({ sentences }: { sentences: string[] }) => (
  <ul className="grid gap-0.5 text-ink-2">
    {sentences.map((sentence) => (
      <li key={sentence}>{sentence}</li>
    ))}
  </ul>
);

export function BeforeAfter({ before, after }: { before: string | null; after: string | null }) {
  return (
    <span className="flex min-w-0 flex-wrap items-baseline gap-x-2 font-mono text-xs">
      <span className="break-all text-ink-3 line-through decoration-line-strong">{before ?? "not set"}</span>
      <ArrowRight aria-label="becomes" className="size-3 shrink-0 self-center text-ink-3" />
      <span className="break-all font-medium text-ink">{after ?? "not set"}</span>
    </span>
  );
}

function differences(verb: ActionVerb, seen: Service, now: Service): ChangedField[] {
  const changed: ChangedField[] = [];
  if (seen.uid !== now.uid) changed.push({ field: "workload", seen: "the one you saw", now: "made anew under the same name" });
  if (verb === "scale" && seen.desired !== now.desired) {
    changed.push({ field: "replicas", seen: String(seen.desired), now: String(now.desired) });
  }
  if (seen.paused !== now.paused) changed.push({ field: "paused", seen: String(seen.paused), now: String(now.paused) });
  if (verb !== "scale" && !isBreakerVerb(verb) && seen.templateHash !== now.templateHash) {
    changed.push({
      field: "template",
      seen: `${seen.version} (${seen.templateHash})`,
      now: `${now.version} (${now.templateHash})`,
    });
  }
  return changed;
}

/** What changes, a field each, before and after. */
export function FieldChanges({ changes }: { changes: FieldChange[] }) {
  return (
    <ul className="grid gap-1">
      {changes.map((change) => (
        <li key={change.field} className="grid grid-cols-[minmax(0,11rem)_1fr] gap-3">
          <span className="truncate text-ink-2" title={change.field}>
            {change.field}
          </span>
          <BeforeAfter before={change.before} after={change.after} />
        </li>
      ))}
    </ul>
  );
}

/** Shown when the service is no longer as it was when the dialog opened, or the server said so. */
export function MovedOn(props: {
  changed: ChangedField[] | undefined;
  verb: ActionVerb;
  seen: Service;
  now: Service;
  onUsePresent: () => void;
}) {
  const changed = props.changed?.length ? props.changed : differences(props.verb, props.seen, props.now);
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-md border border-warn-fill/50 bg-warn-soft px-3 py-2.5">
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-warn" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-warn">{props.now.name} changed since you opened this</p>
        <ul className="mt-1 grid gap-0.5">
          {changed.map((change) => (
            <li key={change.field} className="flex gap-3">
              <span className="w-24 shrink-0 truncate text-ink-2">{change.field}</span>
              <BeforeAfter before={change.seen} after={change.now} />
            </li>
          ))}
        </ul>
      </div>
      <Button size="small" onClick={props.onUsePresent}>
        Use the present values
      </Button>
    </div>
  );
}
