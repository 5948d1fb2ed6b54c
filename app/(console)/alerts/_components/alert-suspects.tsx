"use client";
import Link from "next/link";
import type { AlertDetail } from "#lib/domain/alerts/schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { isClosest, SuspectUndo, suspectWords } from "../../../ui/alerts/suspect-line.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";

/** What was changed just before an alert began, the closest first. */
export function Suspects({ alert }: { alert: AlertDetail }) {
  const { suspects, suspectsFrom } = alert;
  return (
    <section aria-labelledby="suspects">
      <SectionHeader
        id="suspects"
        title="What changed just before"
        aside={
          suspectsFrom.services.length > 0
            ? `the ${suspectsFrom.minutes} minutes before, on ${suspectsFrom.services.map((id) => id.split("/")[1] ?? id).join(", ")}`
            : null
        }
      />
      {suspects.length === 0 ? (
        <p className="border-b px-4 py-3 text-ink-2">
          {suspectsFrom.services.length === 0
            ? "The alert names no service, so nobody can say what was changed on it. Add the label service to its rule."
            : `Nothing was changed there in the ${suspectsFrom.minutes} minutes before it began, neither by Switchyard nor, as far as it saw, outside it.`}
        </p>
      ) : (
        <ol>
          {suspects.map((suspect, index) => (
            <li key={suspect.auditId} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-4 py-1.5">
              <span className="w-16 shrink-0 font-medium max-md:w-auto">
                {formatDuration(suspect.secondsBefore * 1000)}
                <span className="font-normal text-ink-3 md:hidden"> before</span>
              </span>
              <span className="min-w-0 flex-1 basis-72">
                <span className="font-medium">{suspectWords(suspect)}</span>{" "}
                {suspect.reason && <span className="text-ink-2">“{suspect.reason}”</span>}
                <span className="block text-xs text-ink-3">
                  {suspect.closeness} · <TimeAgo at={suspect.at} />
                </span>
              </span>
              <span className="flex flex-wrap items-center gap-3 text-xs">
                {suspect.rolloutId && (
                  <Link href={`/rollouts/${suspect.rolloutId}`} className="text-accent hover:underline">
                    Rollout
                  </Link>
                )}
                <Link href={`/audit?entry=${suspect.auditId}`} className="text-accent hover:underline">
                  Audit entry
                </Link>
                {index > 0 && <SuspectUndo suspect={suspect} isClosest={isClosest(suspect, suspects)} />}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
