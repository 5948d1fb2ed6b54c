"use client";
import { BellOff, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { sentenceOf } from "#lib/client/alert-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { SilencePreview, SilenceResult } from "#lib/domain/alerts/silences-schemas.ts";
import { Button } from "../button.tsx";
import { Elapsed } from "../clock.tsx";
import { Dialog } from "../dialog.tsx";
import { ErrorNotice, Skeleton } from "../notices.tsx";
import { SeverityShape } from "../severity.tsx";

/** What a silence would hide now, which rules it would hide from now on, and what to think of first. */
export function SilencePreviewView({
  preview,
  error,
  isWaiting,
  isValid,
  onRetry,
}: {
  preview: SilencePreview | undefined;
  error: unknown;
  isWaiting: boolean;
  isValid: boolean;
  onRetry: () => void;
}) {
  if (!isValid)
    return <p className="rounded-md bg-sunken px-3 py-2 text-ink-3">Complete the conditions to see what they hide.</p>;
  if (error) return <ErrorNotice what="What it would hide is not known" error={error} onRetry={onRetry} />;
  if (!preview || isWaiting) return <Skeleton className="h-16" />;
  const always = preview.rules.filter((rule) => rule.hides === "always");
  const maybe = preview.rules.filter((rule) => rule.hides === "maybe");
  return (
    <section aria-label="What it would hide" aria-live="polite" className="grid gap-2 rounded-md bg-sunken px-3 py-2">
      <p className="font-medium">
        {preview.alertCount === 0 ? "Hides nothing that fires now" : `Hides ${countOf(preview.alertCount, "firing alert")}`}
      </p>
      {preview.alerts.length > 0 && (
        <ul className="scroll-thin grid max-h-40 gap-0.5 overflow-y-auto">
          {preview.alerts.map((alert) => (
            <li key={alert.id} className="flex min-w-0 items-center gap-2">
              <SeverityShape severity={alert.severity} />
              <span className="min-w-0 truncate">
                <span className="name font-medium">{alert.name}</span>{" "}
                <span className="text-ink-2">
                  {[alert.service, alert.instance].filter(Boolean).join(" · ") || sentenceOf(alert)}
                </span>
              </span>
              <span className="ml-auto shrink-0 text-ink-3">
                <Elapsed from={alert.startsAt} to={alert.endsAt} />
              </span>
            </li>
          ))}
          {preview.alertCount > preview.alerts.length && (
            <li className="text-ink-3">and {preview.alertCount - preview.alerts.length} more</li>
          )}
        </ul>
      )}
      {always.length > 0 && (
        <p className="text-xs text-ink-2">
          While it lasts, no alert of {countOf(always.length, "rule")} is told: {namesOf(always)}.
        </p>
      )}
      {maybe.length > 0 && (
        <p className="text-xs text-ink-3">
          Of {countOf(maybe.length, "rule")} it may hide later alerts too, depending on their labels: {namesOf(maybe)}.
        </p>
      )}
      {preview.rulesProblem && <p className="text-xs text-warn">The rules could not be looked at: {preview.rulesProblem}</p>}
      {preview.warnings.map((warning) => (
        <p key={warning} className="flex items-start gap-1.5 text-warn">
          <TriangleAlert aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
          {warning}
        </p>
      ))}
    </section>
  );
}

function namesOf(rules: { name: string }[]): string {
  const names = [...new Set(rules.map((rule) => rule.name))];
  return names.length <= 5 ? names.join(", ") : `${names.slice(0, 4).join(", ")} and ${names.length - 4} more`;
}

/** The silence as Alertmanager has it now. */
export function SilenceDone({ result, onClose }: { result: SilenceResult; onClose: () => void }) {
  const { silence } = result;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Silenced"
      footer={
        <>
          <Link href="/alerts/silences" onClick={onClose} className="mr-auto text-accent hover:underline">
            All silences
          </Link>
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <div className="grid gap-2">
        <p className="flex items-center gap-2 font-medium text-held">
          <BellOff aria-hidden="true" className="size-4" /> Until {formatAbsolute(silence.endsAt)}
        </p>
        <p className="break-all font-mono text-xs">{silence.text}</p>
        <p className="text-ink-2">{silence.comment}</p>
        <p className="text-ink-3">
          Alertmanager {silence.source} has it as <span className="break-all font-mono text-xs">{silence.id}</span>. Alerts show
          as silenced once Alertmanager says so, within seconds.
        </p>
      </div>
    </Dialog>
  );
}
