"use client";
import { Pencil } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import { figureKeys, figureNames, incidentName, isOpen } from "#lib/client/incident-view.ts";
import { noFigure } from "#lib/client/numbers.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { type Clock, type ClockTime, clockNames, clockTimes } from "#lib/domain/incidents/clock.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { Elapsed, TimeAgo, useNow } from "../../../ui/clock.tsx";
import { type Fact, FactList } from "../../../ui/facts.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";
import { DrillBadge, IncidentSeverity, IncidentStep } from "../../../ui/incidents/incident-marks.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { ChangeDialog } from "./change-dialog.tsx";

/** What is wrong, how bad it is, since when, who commands, and what may be done next. */
export function IncidentHeader({ incident, children }: { incident: IncidentDetail; children?: ReactNode }) {
  const [isChanging, setChanging] = useState(false);
  const refusal = useRoleRefusal("operator");
  return (
    <header className="border-b px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-80">
          <p className="flex items-center gap-1.5 text-xs text-ink-3">
            <Link href="/incidents" className="hover:text-ink">
              Incidents
            </Link>
            /
            <CopyButton text={incidentName(incident)} label={`Copy ${incidentName(incident)}`}>
              <span className="font-mono">{incidentName(incident)}</span>
            </CopyButton>
          </p>
          <h1 className="break-words text-xl font-semibold tracking-[-0.015em]">{incident.title}</h1>
          <p role="status" aria-live="polite" className="mt-0.5 flex flex-wrap items-center gap-x-4 gap-y-1">
            <Tint value={incident.severity}>
              <IncidentSeverity severity={incident.severity} />
            </Tint>
            <Tint value={incident.step}>
              <IncidentStep step={incident.step} />
            </Tint>
            {incident.isDrill && <DrillBadge />}
            <Escalation incident={incident} />
          </p>
        </div>
        <Running incident={incident} />
        <div role="toolbar" aria-label={`Actions on ${incidentName(incident)}`} className="flex flex-wrap gap-1.5">
          {children}
          <Button disabledReason={refusal} onClick={() => setChanging(true)}>
            <Pencil aria-hidden="true" /> Edit
          </Button>
          <Link
            href={`/incidents/${incident.id}/postmortem`}
            className={buttonLook({ look: incident.needsPostmortem && !isOpen(incident) ? "primary" : "plain" })}
          >
            Postmortem
          </Link>
        </div>
      </div>
      <Facts incident={incident} />
      {incident.overrideReason && (
        <p className="mt-3 max-w-3xl border-l-2 border-warn-fill pl-3 text-ink-2">
          <span className="font-medium text-warn">Resolved in spite of the evidence:</span> {incident.overrideReason}
        </p>
      )}
      {isChanging && <ChangeDialog incident={incident} onClose={() => setChanging(false)} />}
    </header>
  );
}

/** The clock: how long it has lasted, or lasted. */
function Running({ incident }: { incident: IncidentDetail }) {
  const { impactStartedAt, impactStartSource, resolvedAt } = incident.clock;
  const began = impactStartSource === "unknown" ? "its detection" : "the impact began";
  return (
    <div role="timer" aria-label={resolvedAt === null ? "Lasts" : "Lasted"} className="sm:text-right">
      <span
        className={cn(
          "block text-2xl font-semibold leading-7 tabular-nums tracking-[-0.02em]",
          resolvedAt === null && !incident.isDrill && "text-bad",
        )}
      >
        <Elapsed from={impactStartedAt} to={resolvedAt} />
      </span>
      <span className="text-xs text-ink-3">
        {resolvedAt === null
          ? `since ${began}`
          : impactStartSource === "unknown"
            ? "from detection to resolution"
            : "from impact to resolution"}
      </span>
    </div>
  );
}

function Escalation({ incident: { escalatesAt } }: { incident: IncidentDetail }) {
  const now = useNow();
  if (escalatesAt === null || now === null) return null;
  const left = Date.parse(escalatesAt) - now;
  return (
    <span className="text-warn">
      {left > 0
        ? `Nobody has taken it: people are told again in ${formatDuration(left)}`
        : "Nobody has taken it: people are told again"}
    </span>
  );
}

const startSources: Record<Clock["impactStartSource"], string> = {
  reported: "as it was reported",
  alert: "when the alert's condition held",
  measured: "the first bad point of what was measured",
  edited: "as somebody corrected it",
  unknown: "",
};

/** One time of the clock; the start of the impact with how it is known. */
function Moment({ field, clock }: { field: ClockTime; clock: Clock }) {
  if (field !== "impactStartedAt") return <TimeAgo at={clock[field] ?? ""} />;
  if (clock.impactStartSource === "unknown") {
    return <span title="Nobody has said and nothing has measured when it began. Edit sets it.">not known yet</span>;
  }
  return (
    <>
      <TimeAgo at={clock.impactStartedAt} />{" "}
      <span className="block text-2xs text-ink-3">{startSources[clock.impactStartSource]}</span>
    </>
  );
}

function Facts({ incident }: { incident: IncidentDetail }) {
  const { clock, figures, services, commander } = incident;
  const times = clockTimes.filter((field) => clock[field] !== null);
  const facts: Fact[] = [
    [
      "Services",
      services.length === 0
        ? "none named"
        : services.map(({ namespace, name }) => (
            <Link
              key={`${namespace}/${name}`}
              href={`/fleet/${namespace}/${name}`}
              className="name mr-2 font-medium text-accent hover:underline"
            >
              {name}
            </Link>
          )),
    ],
    ["Commander", commander ?? <span className={isOpen(incident) ? "font-medium text-warn" : ""}>nobody</span>],
    ...times.map((field): Fact => [clockNames[field], <Moment key={field} field={field} clock={clock} />]),
    ...figureKeys.map(
      (key): Fact => [
        figureNames[key].short,
        <span key={key} title={figureNames[key].long}>
          {figures[key] === null ? noFigure : formatDuration(figures[key] * 1000)}
        </span>,
      ],
    ),
    ["Opened by", incident.openedBy],
  ];
  return <FactList facts={facts} className="mt-3 max-md:grid max-md:grid-cols-3" />;
}
