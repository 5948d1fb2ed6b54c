"use client";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { setDrillSchedule } from "#lib/client/drills.ts";
import { subjectTitle } from "#lib/client/recovery-view.ts";
import { type DrillScheduleView, drillScheduleSchema } from "#lib/domain/recovery/drills/schemas.ts";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { ReasonField } from "../../../../ui/actions/action-fields.tsx";
import { Check } from "../../../../ui/check.tsx";
import { Dialog } from "../../../../ui/dialog.tsx";
import { fieldErrors } from "../../../../ui/field-errors.ts";
import { FormFooter } from "../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../ui/notices.tsx";
import { CronField, TimeZoneField } from "../../../../ui/recovery/cron-field.tsx";
import { DrillSettingsFields, defaultSettings, ScenarioField } from "../../../../ui/recovery/drill-fields.tsx";
import { SubjectField } from "../../../../ui/recovery/subject-field.tsx";
import { useRecoveryWrite } from "../../../../ui/recovery/use-recovery-write.ts";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { useStored } from "../../../../ui/use-stored.ts";

const quarterly = "0 10 1 1,4,7,10 *";
const usualTimes = [quarterly, "0 10 1 * *", "0 10 * * 1"];

/** Lets a drill come by itself. A scenario on a service has one schedule. */
export function ScheduleDialog({ schedule, onClose }: { schedule?: DrillScheduleView; onClose: () => void }) {
  const formId = useId();
  const refusal = useRoleRefusal("admin");
  const [subject, setSubject] = useState(schedule?.subject ?? "");
  const [scenario, setScenario] = useState<Scenario | null>(schedule?.scenario ?? null);
  const [settings, setSettings] = useState(schedule?.settings ?? defaultSettings);
  const [cron, setCron] = useState(schedule?.cron ?? quarterly);
  const [timeZone, setTimeZone] = useState(schedule?.timeZone ?? "UTC");
  const [isEnabled, setEnabled] = useState(schedule?.isEnabled ?? true);
  const [reason, setReason] = useStored("reason drill schedule");
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const write = useRecoveryWrite(setDrillSchedule, () => {
    setReason("");
    onClose();
  });
  const shown = { ...fieldsOf(write.error), ...errors };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || write.isPending) return;
    if (scenario === null || subject === "") {
      return setErrors({
        ...(subject === "" && { subject: ["Choose what it is carried out on."] }),
        ...(scenario === null && { scenario: ["Choose what happens."] }),
      });
    }
    const input = { scenario, subject, settings, cron, timeZone, isEnabled, reason: reason.trim() };
    const found = fieldErrors(drillScheduleSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) write.mutate(input);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={schedule ? `${schedule.title} on ${subjectTitle(schedule.subject)}` : "Schedule a drill"}
      description="It begins by itself when every guard rail passes; one that a freeze window or a fault stops is told."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending} disabledReason={refusal}>
          {schedule ? "Change the schedule" : "Schedule the drill"}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        {!schedule && (
          <>
            <SubjectField value={subject} onChange={setSubject} errors={shown.subject} />
            {subject !== "" && (
              <ScenarioField
                subject={subject}
                value={scenario}
                onChange={(next) => {
                  setScenario(next);
                  setSettings(defaultSettings);
                }}
                errors={shown.scenario}
              />
            )}
          </>
        )}
        {scenario && subject !== "" && (
          <DrillSettingsFields scenario={scenario} subject={subject} settings={settings} onChange={setSettings} errors={shown} />
        )}
        <CronField
          label="It begins"
          value={cron}
          timeZone={timeZone}
          usual={usualTimes}
          onChange={(next) => setCron(next ?? quarterly)}
          errors={shown.cron}
        />
        <TimeZoneField value={timeZone} onChange={setTimeZone} errors={shown.timeZone} />
        <Check checked={isEnabled} onChange={setEnabled} label="Switched on" />
        {write.error && <ErrorNotice what="The schedule was not saved" error={write.error} />}
        <ReasonField value={reason} onChange={setReason} errors={shown.reason} />
      </form>
    </Dialog>
  );
}
