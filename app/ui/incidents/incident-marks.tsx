import { stepWord } from "#lib/client/incident-view.ts";
import type { IncidentView, Severity } from "#lib/domain/incidents/schemas.ts";
import { severityInfos } from "#lib/domain/incidents/schemas.ts";
import { steps } from "#lib/domain/incidents/steps.ts";
import { cn } from "../class-names.ts";

const badges: Record<Severity, string> = {
  P1: "border-bad-fill bg-bad-fill text-white",
  P2: "border-bad-fill bg-bad-soft text-bad",
  P3: "border-warn-fill text-warn",
  P4: "border-line-strong text-quiet",
};
const colors: Record<Severity, string> = { P1: "text-bad", P2: "text-bad", P3: "text-warn", P4: "text-quiet" };

/** An incident's severity as a badge, and where there is room as the guides' word; the same on every page. */
export function IncidentSeverity({ severity, isBare = false }: { severity: Severity; isBare?: boolean | "narrow" }) {
  const { title, about } = severityInfos[severity];
  return (
    <span
      title={`${title}. ${about}`}
      className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", colors[severity])}
    >
      <span className={cn("rounded-sm border px-1 text-2xs font-semibold leading-4", badges[severity])}>{severity}</span>
      <span className={cn(isBare === true && "sr-only", isBare === "narrow" && "max-md:sr-only")}>{title}</span>
    </span>
  );
}

/** Where an incident is among its five steps, as bars and a word. */
export function IncidentStep({ step }: { step: IncidentView["step"] }) {
  const reached = step === "done" ? steps.length : steps.indexOf(step);
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <span aria-hidden="true" className="flex gap-0.5">
        {steps.map((each, index) => (
          <span
            key={each}
            className={cn(
              "h-2 w-1.5 rounded-[1px]",
              index < reached ? "bg-ink-3" : index === reached ? "bg-accent-solid" : "bg-line-strong",
            )}
          />
        ))}
      </span>
      {stepWord(step)}
    </span>
  );
}

/** Says that it is an exercise. */
export const DrillBadge = () => (
  <span className="rounded-sm border border-dashed border-line-strong px-1 text-2xs font-medium text-held">Drill</span>
);
