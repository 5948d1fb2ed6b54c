"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useId, useState } from "react";
import { problemOf } from "#lib/client/api.ts";
import { incidentName, onServices, type ReportDraft } from "#lib/client/incident-view.ts";
import { incidentKeys, latestIncidentsQuery, reportIncident } from "#lib/client/incidents.ts";
import type { OpenIncident } from "#lib/domain/errors.ts";
import { type IncidentView, reportIncidentSchema, type Severity, severities } from "#lib/domain/incidents/schemas.ts";
import { Check } from "../check.tsx";
import { Elapsed } from "../clock.tsx";
import { Dialog } from "../dialog.tsx";
import { Field, Input } from "../field.tsx";
import { fieldErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useOrderKey } from "../use-send-key.ts";
import { useStored } from "../use-stored.ts";
import { IncidentSeverity, IncidentStep } from "./incident-marks.tsx";
import { type Moment, MomentField } from "./moment-field.tsx";
import { ServicesField } from "./services-field.tsx";
import { SeverityField } from "./severity-field.tsx";

const serviceRef = (id: string) => {
  const [namespace = "", name = ""] = id.split("/");
  return { namespace, name };
};

/** Reports an incident: a title, Tab, a digit and Enter are enough. */
export function ReportDialog({ draft, onClose }: { draft: ReportDraft; onClose: () => void }) {
  const queries = useQueryClient();
  const router = useRouter();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const [typed, setTyped] = useStored("incident title", "", "browser");
  const [title, setTitle] = useState(draft.title ?? typed);
  const [severity, setSeverity] = useState<Severity | null>(draft.severity ?? null);
  const [services, setServices] = useState(draft.services ?? []);
  const [impact, setImpact] = useState<Moment>(draft.impactStartedAt ?? null);
  const [isDrill, setDrill] = useState(false);
  const [isAnother, setAnother] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const keyOf = useOrderKey();
  const report = useMutation({
    mutationFn: (input: Parameters<typeof reportIncident>[0]) => reportIncident(input, keyOf(input)),
    onSuccess: (incident) => {
      setTyped("");
      onClose();
      router.push(`/incidents/${incident.id}`);
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: incidentKeys.all }),
  });
  const problem = problemOf(report.error);
  const known = useQuery(latestIncidentsQuery()).data?.items ?? [];
  const open: OpenOne[] = onServices(known, services);
  for (const told of problem?.incidents ?? []) if (!open.some(({ id }) => id === told.id)) open.push(told);
  const shown = { ...problem?.fields, ...errors };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || report.isPending) return;
    const input = {
      title,
      severity,
      services: services.map(serviceRef),
      ...(impact !== null && { impactStartedAt: impact }),
      links: draft.links ?? [],
      isDrill,
      isAnother: isAnother && open.length > 0,
    };
    const found = fieldErrors(reportIncidentSchema, input);
    if (severity === null) found.severity = ["Choose one: 1 to 4."];
    else if (open.length > 0 && !isAnother) found.isAnother = ["Open the one that is there, or say that this is another."];
    setErrors(found);
    if (severity === null || Object.keys(found).length > 0) return;
    report.mutate({ ...input, severity });
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title="Report an incident"
      description="Opens it at once and tells those who are to be told. Everything here can be changed later."
      footer={
        <FormFooter onClose={onClose} form={formId} look="danger" busy={report.isPending} disabledReason={refusal}>
          Report {severity ?? "the"} incident
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-3.5" noValidate>
        <Field label="What is wrong" errors={shown.title}>
          {(ties) => (
            <Input
              {...ties}
              autoFocus
              autoComplete="off"
              maxLength={200}
              value={title}
              onChange={({ target }) => {
                setTitle(target.value);
                if (draft.title === undefined) setTyped(target.value);
              }}
              placeholder="e.g. Documents open slowly for everybody"
            />
          )}
        </Field>
        <SeverityField value={severity} onChange={setSeverity} errors={shown.severity} />
        <ServicesField value={services} onChange={setServices} errors={shown.services} />
        {open.length > 0 && (
          <OpenOnes incidents={open} isAnother={isAnother} onChange={setAnother} errors={shown.isAnother} onOpen={onClose} />
        )}
        <div className="grid items-start gap-3 sm:grid-cols-2">
          <MomentField label="Impact since" value={impact} onChange={setImpact} errors={shown.impactStartedAt} />
          <div className="sm:pt-7">
            <Check checked={isDrill} onChange={setDrill} label="It is a drill" />
          </div>
        </div>
        {report.error !== null && !problem?.incidents && <ErrorNotice what="The incident was not opened" error={report.error} />}
      </form>
    </Dialog>
  );
}

/** As lists know it, or as little as the server's refusal tells. */
type OpenOne = OpenIncident & Partial<Pick<IncidentView, "step" | "clock">>;

/** What is open on the same services already: most likely the same. */
function OpenOnes({
  incidents,
  isAnother,
  onChange,
  errors,
  onOpen,
}: {
  incidents: readonly OpenOne[];
  isAnother: boolean;
  onChange: (isAnother: boolean) => void;
  errors?: string[];
  onOpen: () => void;
}) {
  return (
    <section
      aria-label="Open incidents on these services"
      className="rounded-md border border-warn-fill/50 bg-warn-soft px-3 py-2"
    >
      <p className="font-medium text-warn">Open already on {incidents.length === 1 ? "the same service" : "the same services"}</p>
      <ul className="my-1 grid gap-1">
        {incidents.map((incident) => (
          <li key={incident.id} className="flex min-w-0 flex-wrap items-center gap-x-3">
            <IncidentSeverity severity={severityOf(incident)} isBare />
            <Link href={`/incidents/${incident.id}`} onClick={onOpen} className="min-w-0 truncate font-medium hover:underline">
              {incidentName(incident)} {incident.title}
            </Link>
            {incident.step && (
              <span className="text-xs text-ink-2">
                <IncidentStep step={incident.step} />
              </span>
            )}
            {incident.clock && (
              <span className="ml-auto text-xs text-ink-3">
                <Elapsed from={incident.clock.impactStartedAt} to={null} />
              </span>
            )}
          </li>
        ))}
      </ul>
      <Check checked={isAnother} onChange={onChange} label="This is another incident" />
      {errors && (
        <p role="alert" className="text-xs text-bad">
          {errors.join(" ")}
        </p>
      )}
    </section>
  );
}

const severityOf = ({ severity }: OpenOne): Severity => severities.find((each) => each === severity) ?? "P4";
