"use client";
import Link from "next/link";
import { formatDelta } from "#lib/client/chart-marks.ts";
import { incidentName, isOpen } from "#lib/client/incident-view.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import type { IncidentDetail, IncidentSuspect } from "#lib/domain/incidents/schemas.ts";
import { isClosest, SuspectUndo, suspectAddress, suspectWords } from "../../../ui/alerts/suspect-line.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { VerdictLine } from "./verdict-line.tsx";

/** What was changed just before the impact, the likeliest first, each with the way to take it back. */
export function IncidentSuspects({ incident }: { incident: IncidentDetail }) {
  const { suspects, verdicts } = incident;
  return (
    <section aria-labelledby="suspects">
      <SectionHeader id="suspects" title="What changed just before" aside="the likeliest cause first" />
      {suspects.length === 0 ? (
        <p className="border-b px-4 py-2 text-ink-2">
          {incident.services.length === 0
            ? "The incident names no service, so nobody can say what was changed. Name one by Edit."
            : "Nothing was changed on its services in the time before the impact, neither by Switchyard nor, as far as it saw, outside it."}
        </p>
      ) : (
        <ol>
          {suspects.map((suspect, index) => (
            <li key={suspect.auditId} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-4 py-1.5">
              <span className="min-w-0 flex-1 basis-72">
                <Link href={suspectAddress(suspect)} className="font-medium hover:underline">
                  {suspectWords(suspect)}
                </Link>{" "}
                {suspect.change && <span className="whitespace-nowrap">{suspect.change}</span>}{" "}
                {suspect.reason && <span className="text-ink-2">“{suspect.reason}”</span>}
                <span className="block text-xs text-ink-3">
                  {suspect.closeness} · <TimeAgo at={suspect.at} />
                </span>
                <Measured suspect={suspect} />
                {isClosest(suspect, suspects) &&
                  verdicts
                    .filter(({ service }) => service === suspect.service)
                    .map((verdict) => <VerdictLine key={verdict.actionId} verdict={verdict} className="text-xs" />)}
              </span>
              <SuspectUndo
                suspect={suspect}
                isPrimary={index === 0 && isOpen(incident)}
                isClosest={isClosest(suspect, suspects)}
                reason={`${incidentName(incident)}: ${incident.title}`.slice(0, 500)}
              />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** What the service measured in the minute before the change, and after it had settled. */
function Measured({ suspect: { before, after } }: { suspect: IncidentSuspect }) {
  if (!before || !after) return null;
  const moved = formatDelta(before.latencyP95Seconds, after.latencyP95Seconds);
  return (
    <span className="block text-xs text-ink-2">
      p95 {formatFigure(before.latencyP95Seconds, "seconds")} → {formatFigure(after.latencyP95Seconds, "seconds")}
      {moved && ` (${moved})`}, errors {formatFigure(before.errorRatio, "ratio")} → {formatFigure(after.errorRatio, "ratio")}
    </span>
  );
}
