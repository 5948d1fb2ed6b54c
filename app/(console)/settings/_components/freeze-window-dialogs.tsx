"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import { cancelFreezeWindow, createFreezeWindow, freezeScope, freezeWindowKeys } from "#lib/client/freeze-windows.ts";
import { fromLocalField, toLocalField } from "#lib/client/time-range.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { cancelFreezeSchema, createFreezeSchema, type FreezeWindowView } from "#lib/domain/rollouts/start/freeze-schemas.ts";
import { ReasonField } from "../../../ui/actions/action-fields.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, Select, TextArea } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useStored } from "../../../ui/use-stored.ts";

const iso = (field: string) => {
  const seconds = fromLocalField(field);
  return seconds === null ? "" : new Date(seconds * 1000).toISOString();
};

export function NewFreezeDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const formId = useId();
  const services = useQuery(servicesQuery).data?.services ?? [];
  const namespaces = [...new Set(services.map(({ namespace }) => namespace))].sort();
  const [scope, setScope] = useState("");
  const [ends, setEnds] = useState(() => {
    const now = Math.floor(Date.now() / 60_000) * 60;
    return { from: toLocalField(now), to: toLocalField(now + 8 * 3600) };
  });
  const [reason, setReason] = useStored("freeze reason");
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const make = useMutation({
    mutationFn: createFreezeWindow,
    onSuccess: () => {
      setReason("");
      void queries.invalidateQueries({ queryKey: freezeWindowKeys.all });
      onClose();
    },
  });
  const shown = { ...fieldsOf(make.error), ...errors };
  const length = (fromLocalField(ends.to) ?? Number.NaN) - (fromLocalField(ends.from) ?? Number.NaN);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || make.isPending) return;
    const [namespace = null, service = null] = scope === "" ? [] : scope.split("/");
    const input = { namespace, service, startsAt: iso(ends.from), endsAt: iso(ends.to), reason };
    const found = fieldErrors(createFreezeSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) make.mutate(input);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Freeze rollouts"
      description="No rollout begins in this time. What is under way goes on, and rolling back stays possible."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={make.isPending} disabledReason={refusal}>
          Freeze {freezeScope({ namespace: scope.split("/")[0] || null, service: scope.split("/")[1] ?? null })}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        <Field label="What" errors={shown.service ?? shown.namespace}>
          {(ties) => (
            <Select {...ties} value={scope} onChange={({ target }) => setScope(target.value)}>
              <option value="">The whole cluster</option>
              {namespaces.map((namespace) => (
                <optgroup key={namespace} label={namespace}>
                  <option value={namespace}>All of {namespace}</option>
                  {services
                    .filter((service) => service.namespace === namespace)
                    .map((service) => (
                      <option key={service.id} value={service.id}>
                        {service.name}
                      </option>
                    ))}
                </optgroup>
              ))}
            </Select>
          )}
        </Field>
        <div className="grid items-start gap-3 sm:grid-cols-2">
          <Field label="From" errors={shown.startsAt} hint={`Times are in ${zone}.`}>
            {(ties) => (
              <Input
                {...ties}
                type="datetime-local"
                value={ends.from}
                onChange={({ target }) => setEnds({ ...ends, from: target.value })}
              />
            )}
          </Field>
          <Field label="Until" errors={shown.endsAt} hint={length > 0 ? `${formatDuration(length * 1000)}.` : undefined}>
            {(ties) => (
              <Input
                {...ties}
                type="datetime-local"
                value={ends.to}
                onChange={({ target }) => setEnds({ ...ends, to: target.value })}
              />
            )}
          </Field>
        </div>
        <Field label="Reason" errors={shown.reason} hint="Whoever is kept from a rollout reads it.">
          {(ties) => (
            <TextArea {...ties} rows={2} maxLength={500} value={reason} onChange={({ target }) => setReason(target.value)} />
          )}
        </Field>
        {make.error && Object.keys(shown).length === 0 && <ErrorNotice what="Nothing is frozen" error={make.error} />}
      </form>
    </Dialog>
  );
}

export function CancelFreezeDialog({ window, onClose }: { window: FreezeWindowView; onClose: () => void }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("admin");
  const formId = useId();
  const [reason, setReason] = useStored(`freeze cancel reason ${window.id}`);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const cancel = useMutation({
    mutationFn: () => cancelFreezeWindow(window.id, reason),
    onSuccess: () => {
      setReason("");
      void queries.invalidateQueries({ queryKey: freezeWindowKeys.all });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = fieldErrors(cancelFreezeSchema, { reason });
    setErrors(found);
    if (!refusal && !cancel.isPending && Object.keys(found).length === 0) cancel.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Cancel the freeze of ${freezeScope(window)}`}
      description={`“${window.reason}”, by ${window.createdBy}.`}
      footer={
        <FormFooter onClose={onClose} cancel="Keep it" form={formId} busy={cancel.isPending} disabledReason={refusal}>
          Let rollouts begin again
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        <p className="text-ink-2">
          It would end <TimeAgo at={window.endsAt} />. Rollouts that wait for its end begin at once.
        </p>
        <ReasonField value={reason} onChange={setReason} errors={errors.reason} />
        {cancel.error && <ErrorNotice what="The freeze is still in force" error={cancel.error} />}
      </form>
    </Dialog>
  );
}
