"use client";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { incidentName } from "#lib/client/incident-view.ts";
import { changeIncident } from "#lib/client/incidents.ts";
import { type Clock, type ClockTime, clockNames, clockTimes } from "#lib/domain/incidents/clock.ts";
import {
  type ChangeIncidentInput,
  changeIncidentSchema,
  type IncidentDetail,
  type Severity,
} from "#lib/domain/incidents/schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { Check } from "../../../ui/check.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { TimeInput } from "../../../ui/incidents/moment-field.tsx";
import { ServicesField } from "../../../ui/incidents/services-field.tsx";
import { SeverityField } from "../../../ui/incidents/severity-field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

const idsOf = (services: IncidentDetail["services"]) => services.map(({ namespace, name }) => `${namespace}/${name}`);
/** Times are shown and given to the second. */
const isSame = (a: string | null, b: string | null) =>
  Math.floor(Date.parse(a ?? "") / 1000) === Math.floor(Date.parse(b ?? "") / 1000);

/** Changes what an incident is called, how bad it is, what it concerns, and its times; with a reason where it takes something back. */
export function ChangeDialog({ incident, onClose }: { incident: IncidentDetail; onClose: () => void }) {
  const formId = useId();
  const [seen] = useState(incident);
  const [title, setTitle] = useState(seen.title);
  const [severity, setSeverity] = useState(seen.severity);
  const [services, setServices] = useState(idsOf(seen.services));
  const [isDrill, setDrill] = useState(seen.isDrill);
  const [clock, setClock] = useState<Clock>(seen.clock);
  const [reason, setReason] = useState("");
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const write = useIncidentWrite({ onDone: onClose });
  const moved = clockTimes.filter((field) => clock[field] !== null && !isSame(clock[field], seen.clock[field]));
  const wish = reasonWish({ seen, moved, severity, services, isDrill });
  const shown: Record<string, string[] | undefined> = { ...fieldsOf(write.error), ...errors };
  const sentence = `Change ${incidentName(incident)}`;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (write.isPending) return;
    const input: ChangeIncidentInput = {
      ...(title.trim() !== seen.title && { title }),
      ...(severity !== seen.severity && { severity }),
      ...(services.join() !== idsOf(seen.services).join() && { services: services.map(refOf) }),
      ...(isDrill !== seen.isDrill && { isDrill }),
      ...(moved.length > 0 && { clock: Object.fromEntries(moved.map((field) => [field, clock[field]])) }),
      ...(reason.trim() && { reason: reason.trim() }),
    };
    const found = fieldErrors(changeIncidentSchema, input);
    if (wish && reason.trim().length < 3) found.reason = [`Say why ${wish}, in a few words.`];
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    const { reason: _, ...changes } = input;
    if (Object.keys(changes).length === 0) onClose();
    else write.mutate(() => changeIncident(incident.id, input));
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description="Every change stays in the timeline and in the audit."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending}>
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-3.5" noValidate>
        <Field label="What is wrong" errors={shown.title}>
          {(ties) => <Input {...ties} value={title} maxLength={200} onChange={({ target }) => setTitle(target.value)} />}
        </Field>
        <SeverityField value={severity} onChange={setSeverity} errors={shown.severity} />
        <ServicesField value={services} onChange={setServices} errors={shown.services} />
        <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
          {clockTimes
            .filter((field) => seen.clock[field] !== null || isLeftOut(field, seen))
            .map((field) => (
              <Field key={field} label={clockNames[field]} errors={shown[`clock.${field}`] ?? shown[field]}>
                {(ties) => (
                  <TimeInput {...ties} value={clock[field] ?? ""} onChange={(at) => setClock({ ...clock, [field]: at })} />
                )}
              </Field>
            ))}
        </div>
        {(wish || reason !== "") && <ReasonField value={reason} onChange={setReason} errors={shown.reason} />}
        <Check checked={isDrill} onChange={setDrill} label="It is a drill: left out of the trends" />
        {write.error !== null && <ErrorNotice what={`${sentence}: not done`} error={write.error} />}
      </form>
    </Dialog>
  );
}

/** What of a change somebody will ask about later: "a time changes"; null when nothing is. */
function reasonWish({
  seen,
  moved,
  severity,
  services,
  isDrill,
}: {
  seen: IncidentDetail;
  moved: readonly ClockTime[];
  severity: Severity;
  services: readonly string[];
  isDrill: boolean;
}): string | null {
  if (moved.length > 0) return "a time changes";
  if (severity > seen.severity) return "it is less severe";
  if (idsOf(seen.services).some((id) => !services.includes(id))) return "a service does not belong to it";
  if (isDrill && !seen.isDrill) return "it is a drill";
  return null;
}

/** Who resolves without having said when the harm ended can say so afterwards. */
const isLeftOut = (field: ClockTime, { clock, step }: IncidentDetail) =>
  (field === "mitigatedAt" && clock.resolvedAt !== null) || (field === "acknowledgedAt" && step !== "detect");

function refOf(id: string) {
  const [namespace = "", name = ""] = id.split("/");
  return { namespace, name };
}
