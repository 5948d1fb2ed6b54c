"use client";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { clearRecoveryObjective, setRecoveryObjective } from "#lib/client/recovery.ts";
import { subjectTitle } from "#lib/client/recovery-view.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import { type ScenarioStanding, setObjectiveSchema } from "#lib/domain/recovery/objectives/schemas.ts";
import { ReasonField } from "../actions/action-fields.tsx";
import { Check } from "../check.tsx";
import { Dialog } from "../dialog.tsx";
import { Field } from "../field.tsx";
import { fieldErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { DurationInput } from "../number-inputs.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useStored } from "../use-stored.ts";
import { useRecoveryWrite } from "./use-recovery-write.ts";

type Order = { scenario: ScenarioStanding["scenario"]; reason: string } & (
  | { rtoSeconds: number; rpoSeconds: number }
  | { isCleared: true }
);

/** Holds a service to another RTO and RPO in a scenario, or to the guides' again. */
export function ObjectiveDialog({
  subject,
  standing: { scenario, title, objective, isOwn },
  onClose,
}: {
  subject: string;
  standing: ScenarioStanding;
  onClose: () => void;
}) {
  const formId = useId();
  const refusal = useRoleRefusal("admin");
  const [rtoSeconds, setRto] = useState(objective.rtoSeconds);
  const [rpoSeconds, setRpo] = useState(objective.rpoSeconds);
  const [isCleared, setCleared] = useState(false);
  const [reason, setReason] = useStored(`reason objective ${subject} ${scenario}`);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const write = useRecoveryWrite(
    (order: Order) =>
      "isCleared" in order
        ? clearRecoveryObjective(subject, { scenario: order.scenario, reason: order.reason })
        : setRecoveryObjective(subject, order),
    () => {
      setReason("");
      onClose();
    },
  );
  const shown = { ...fieldsOf(write.error), ...errors };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || write.isPending) return;
    const input = { scenario, rtoSeconds, rpoSeconds, reason: reason.trim() };
    const found = fieldErrors(setObjectiveSchema, isCleared ? { ...input, ...objective } : input);
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    write.mutate(isCleared ? { scenario, reason: reason.trim(), isCleared } : input);
  };
  const guides = scenarioInfos[scenario].objective;
  const span = (seconds: number) => formatDuration(seconds * 1000);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Objective of ${subjectTitle(subject)}: ${title}`}
      description={`The guides' is RTO ${span(guides.rtoSeconds)}, RPO ${span(guides.rpoSeconds)}.`}
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending} disabledReason={refusal}>
          {isCleared ? "Take the guides' objective" : "Set the objective"}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        {!isCleared && (
          <div className="grid items-start gap-3 sm:grid-cols-2">
            <Field label="RTO" errors={shown.rtoSeconds} hint="How long it may be away.">
              {(ties) => <DurationInput {...ties} value={rtoSeconds} onChange={(next) => setRto(next ?? Number.NaN)} />}
            </Field>
            <Field label="RPO" errors={shown.rpoSeconds} hint="How much of what was written may be lost; 0 s for nothing.">
              {(ties) => <DurationInput {...ties} value={rpoSeconds} onChange={(next) => setRpo(next ?? Number.NaN)} />}
            </Field>
          </div>
        )}
        {isOwn && <Check checked={isCleared} onChange={setCleared} label="Take the guides' objective again" />}
        {write.error && <ErrorNotice what="The objective was not set" error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={shown.reason} />
      </form>
    </Dialog>
  );
}
