"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { autoscalingKeys, autoscalingQuery, changeLimits, limitsPreviewQuery, restoreLimits } from "#lib/client/autoscaling.ts";
import { type AutoscalingView, changeLimitsSchema, type Limits, restoreLimitsSchema } from "#lib/domain/autoscaling/schemas.ts";
import { ReasonField } from "../../../../../ui/actions/action-fields.tsx";
import { Answer } from "../../../../../ui/answer.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { Field } from "../../../../../ui/field.tsx";
import { fieldErrors } from "../../../../../ui/field-errors.ts";
import { FormFooter } from "../../../../../ui/form-footer.tsx";
import { ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";
import { DurationInput, NumberInput } from "../../../../../ui/number-inputs.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { useOrderKey } from "../../../../../ui/use-send-key.ts";
import { useSettled } from "../../../../../ui/use-settled.ts";
import { useStored } from "../../../../../ui/use-stored.ts";
import { LimitsPreviewView, PastLimits } from "./limits-preview.tsx";

type Autoscaler = NonNullable<AutoscalingView["autoscaler"]>;

/** The limits of a service's autoscaler, changed for a while. */
export function AutoscalerDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useQuery(autoscalingQuery(id));
  const view = query.data;
  if (view?.autoscaler && view.timed) return <HeldDialog id={id} view={view} timed={view.timed} onClose={onClose} />;
  if (view?.autoscaler) {
    const { uid, minReplicas, maxReplicas } = view.autoscaler;
    return (
      <ChangeDialog
        key={`${uid} ${minReplicas} ${maxReplicas}`}
        id={id}
        view={view}
        autoscaler={view.autoscaler}
        onClose={onClose}
      />
    );
  }
  return (
    <Dialog open onClose={onClose} title={`Autoscaler of ${id.split("/")[1]}`}>
      <Answer of={query} what="The autoscaler could not be read" waiting={<Skeleton className="h-24" />}>
        {() => <p className="text-ink-2">No autoscaler sets its number of instances.</p>}
      </Answer>
    </Dialog>
  );
}

const range = ({ min, max }: Limits) => `${min} to ${max}`;

function ChangeDialog({
  id,
  view,
  autoscaler,
  onClose,
}: {
  id: string;
  view: AutoscalingView;
  autoscaler: Autoscaler;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const formId = useId();
  const [limits, setLimits] = useState<Limits>({ min: autoscaler.minReplicas, max: autoscaler.maxReplicas });
  const [durationSeconds, setDuration] = useState(3600);
  const [reason, setReason] = useStored(`reason autoscaler ${id}`);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const keyOf = useOrderKey();
  const change = useMutation({
    mutationFn: (input: Parameters<typeof changeLimits>[1]) => changeLimits(id, input, keyOf(input)),
    onSuccess: () => setReason(""),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: autoscalingKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    },
  });
  const { uid, minReplicas, maxReplicas } = autoscaler;
  const input = {
    minReplicas: limits.min,
    maxReplicas: limits.max,
    durationSeconds,
    reason,
    seen: { uid, minReplicas, maxReplicas },
  };
  const errors = fieldErrors(changeLimitsSchema, input);
  const isChanged = limits.min !== minReplicas || limits.max !== maxReplicas;
  const isComplete = isChanged && Object.keys(errors).every((field) => field === "reason");
  const previewed = useSettled(isComplete ? { ...input, reason: "preview only" } : null, 250);
  const preview = useQuery({ ...limitsPreviewQuery(id, previewed), enabled: previewed !== null });
  const problems = { ...fieldsOf(change.error), ...errors };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (refusal || change.isPending || !isChanged || Object.keys(errors).length > 0) return;
    change.mutate(input);
  };
  const verb = isChanged && isComplete ? `Set ${range(limits)} for a while` : "Set other limits for a while";
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Autoscaler of ${id.split("/")[1]}`}
      description={`${autoscaler.name} keeps ${range({ min: minReplicas, max: maxReplicas })} instances; a number set by hand it would undo.`}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          busy={change.isPending}
          disabledReason={refusal ?? (isChanged ? null : "These are the limits that it has.")}
        >
          {verb}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        <Condition view={view} autoscaler={autoscaler} />
        <div className="grid items-start gap-3 sm:grid-cols-3">
          <Field label="At least" errors={problems.minReplicas}>
            {(ties) => (
              <NumberInput
                {...ties}
                autoFocus
                value={limits.min}
                onChange={(min) => setLimits({ ...limits, min: min ?? Number.NaN })}
              />
            )}
          </Field>
          <Field label="At most" errors={problems.maxReplicas}>
            {(ties) => (
              <NumberInput {...ties} value={limits.max} onChange={(max) => setLimits({ ...limits, max: max ?? Number.NaN })} />
            )}
          </Field>
          <Field label="For" errors={problems.durationSeconds} hint="Then it reverts by itself.">
            {(ties) => <DurationInput {...ties} value={durationSeconds} onChange={(value) => setDuration(value ?? Number.NaN)} />}
          </Field>
        </div>
        <LimitsPreviewView
          preview={isComplete ? preview.data : undefined}
          error={isComplete ? preview.error : null}
          isLoading={isComplete && preview.isPending}
          onRetry={() => preview.refetch()}
        />
        {change.error && Object.keys(fieldsOf(change.error) ?? {}).length === 0 && (
          <ErrorNotice what="The limits are as before" error={change.error} />
        )}
        <ReasonField value={reason} onChange={setReason} errors={wasSubmitted ? problems.reason : undefined} />
        <PastLimits past={view.past} />
      </form>
    </Dialog>
  );
}

/** While a timed change holds: until when, and the way back before. */
function HeldDialog({
  id,
  view,
  timed,
  onClose,
}: {
  id: string;
  view: AutoscalingView;
  timed: NonNullable<AutoscalingView["timed"]>;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const formId = useId();
  const [reason, setReason] = useStored(`reason autoscaler revert ${id}`);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const keyOf = useOrderKey();
  const revert = useMutation({
    mutationFn: () => restoreLimits(id, reason, keyOf(reason)),
    onSuccess: () => setReason(""),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: autoscalingKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = fieldErrors(restoreLimitsSchema, { reason });
    setErrors(found);
    if (!refusal && !revert.isPending && Object.keys(found).length === 0) revert.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Autoscaler of ${id.split("/")[1]}`}
      description={`${view.autoscaler?.name} keeps ${range(timed.to)} instances for a while, ${range(timed.before)} otherwise.`}
      footer={
        <FormFooter onClose={onClose} cancel="Close" form={formId} busy={revert.isPending} disabledReason={refusal}>
          Go back to {range(timed.before)} now
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-4">
        {view.autoscaler && <Condition view={view} autoscaler={view.autoscaler} />}
        <p role="status">
          Reverts by itself <TimeAgo at={timed.revertAt} className="font-medium" />.{" "}
          <span className="text-ink-2">
            Set by {timed.actor} <TimeAgo at={timed.startedAt} />
            {timed.reason ? `: “${timed.reason}”` : ""}.
          </span>
        </p>
        {revert.error && <ErrorNotice what="The limits are not back yet" error={revert.error} />}
        <ReasonField value={reason} onChange={setReason} errors={errors.reason} />
        <PastLimits past={view.past} />
      </form>
    </Dialog>
  );
}

function Condition({ view, autoscaler }: { view: AutoscalingView; autoscaler: Autoscaler }) {
  return (
    <div className="grid gap-1">
      <p className="text-ink-2">
        {autoscaler.currentReplicas ?? "An unknown number of"} instances now
        {autoscaler.desiredReplicas !== null && `, ${autoscaler.desiredReplicas} wanted`}
        {autoscaler.lastScaledAt && (
          <>
            ; last scaled <TimeAgo at={autoscaler.lastScaledAt} />
          </>
        )}
        . {autoscaler.movement}
      </p>
      {autoscaler.problem && <p className="text-warn">{autoscaler.problem}</p>}
      {view.foreign && <p className="text-warn">{view.foreign}</p>}
    </div>
  );
}
