"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { retentionPreviewQuery } from "#lib/client/backups.ts";
import { countOf } from "#lib/client/numbers.ts";
import { backupAddress, backupName } from "#lib/client/recovery-view.ts";
import { type Retention, type RetentionPreview, retentionSchema } from "#lib/domain/recovery/backups/schemas.ts";
import { TimeAgo } from "../../../../ui/clock.tsx";
import { Field } from "../../../../ui/field.tsx";
import { ErrorNotice, Skeleton } from "../../../../ui/notices.tsx";
import { NumberInput } from "../../../../ui/number-inputs.tsx";
import { useSettled } from "../../../../ui/use-settled.ts";

const rules: { field: keyof Retention; label: string; hint: string }[] = [
  { field: "keepLast", label: "Last", hint: "the newest" },
  { field: "keepDaily", label: "Daily", hint: "of the last days" },
  { field: "keepWeekly", label: "Weekly", hint: "of the last weeks" },
  { field: "keepMonthly", label: "Monthly", hint: "of the last months" },
];

type Properties = {
  subject: string;
  timeZone: string;
  retention: Retention;
  onChange: (retention: Retention) => void;
  errors: Record<string, string[]>;
};

/** How many are kept, and what that would keep and let go of now. */
export function RetentionFields({ subject, timeZone, retention, onChange, errors }: Properties) {
  const settled = useSettled(retention, 300);
  const preview = useQuery(retentionPreviewQuery(subject, retentionSchema.safeParse(settled).success ? settled : null, timeZone));
  return (
    <div className="grid grid-cols-1 gap-4">
      <div className="grid grid-cols-2 items-start gap-3 sm:grid-cols-4">
        {rules.map(({ field, label, hint }) => (
          <Field key={field} label={label} hint={hint} errors={errors[`retention.${field}`]}>
            {(ties) => (
              <NumberInput
                {...ties}
                value={retention[field]}
                onChange={(count) => onChange({ ...retention, [field]: count ?? Number.NaN })}
              />
            )}
          </Field>
        ))}
      </div>
      <p className="text-xs text-ink-3">
        Only verified backups count. The newest verified one is never let go of, nor is one that is pinned.
      </p>
      {preview.data ? (
        <Preview preview={preview.data} />
      ) : preview.error ? (
        <ErrorNotice what="What would go could not be told" error={preview.error} onRetry={() => preview.refetch()} />
      ) : (
        retentionSchema.safeParse(retention).success && <Skeleton className="h-24" />
      )}
    </div>
  );
}

function Preview({ preview: { keep, remove } }: { preview: RetentionPreview }) {
  const rows = [...keep, ...remove].toSorted((a, b) => b.takenAt.localeCompare(a.takenAt));
  return (
    <section aria-label="What would go">
      <p className={remove.length > 0 ? "mb-1 font-medium text-warn" : "mb-1 font-medium text-ink-2"}>
        {remove.length > 0
          ? `${countOf(remove.length, "backup")} would go, ${keep.length} would stay`
          : `Nothing would go; ${countOf(keep.length, "backup")} would stay`}
      </p>
      {rows.length > 0 && (
        <ul className="scroll-thin max-h-72 overflow-y-auto rounded-md border">
          {rows.map((backup) => (
            <li key={backup.id} className="flex min-h-7 items-center gap-x-3 border-b px-3 last:border-b-0">
              <Link href={backupAddress(backup)} className="w-14 shrink-0 font-mono text-xs text-accent hover:underline">
                {backupName(backup)}
              </Link>
              <TimeAgo at={backup.takenAt} className="w-16 shrink-0 text-ink-2" />
              {backup.keptFor.length > 0 ? (
                <span className="min-w-0 truncate text-ink-2" title={backup.keptFor.join(", ")}>
                  {backup.keptFor.join(", ")}
                </span>
              ) : (
                <span className="font-medium text-warn">goes</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
