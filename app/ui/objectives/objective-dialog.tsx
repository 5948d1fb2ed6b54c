"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { clearObjective, objectiveKeys, setObjective } from "#lib/client/objectives.ts";
import { type ServiceObjectives, setObjectiveSchema } from "#lib/domain/objectives/schemas.ts";
import { Button } from "../button.tsx";
import { Dialog } from "../dialog.tsx";
import { Field, Input } from "../field.tsx";
import { fieldErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";

const number = (text: string) => (text.trim() === "" ? null : Number(text.replace(",", ".")));
const share = (text: string) => {
  const value = number(text);
  return value === null ? null : Number((value / 100).toPrecision(12));
};
const asPercent = (ratio: number | null | undefined) => (ratio == null ? "" : String(Number((ratio * 100).toPrecision(7))));

/** Sets what a service is held to; the annotations count again when what was set is taken away. */
export function ObjectiveDialog({ id, known, onClose }: { id: string; known: ServiceObjectives; onClose: () => void }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const done = () => {
    void queries.invalidateQueries({ queryKey: objectiveKeys.all });
    onClose();
  };
  const save = useMutation({
    mutationFn: (input: Parameters<typeof setObjective>[1]) => setObjective(id, input),
    onSuccess: done,
  });
  const clear = useMutation({ mutationFn: (reason: string) => clearObjective(id, { reason }), onSuccess: done });
  const error = save.error ?? clear.error;
  const shown = { ...fieldsOf(error), ...errors };
  const { objective, source } = known;
  const name = id.split("/").at(-1);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (field: string) => String(data.get(field) ?? "");
    if (event.nativeEvent instanceof SubmitEvent && event.nativeEvent.submitter?.getAttribute("value") === "clear") {
      clear.mutate(text("reason"));
      return;
    }
    const latencyMs = number(text("latencyMs"));
    const input = {
      objective: {
        availability: share(text("availability")),
        latencyRatio: share(text("latencyRatio")),
        latencySeconds: latencyMs === null ? null : latencyMs / 1000,
        windowDays: number(text("windowDays")) ?? 0,
      },
      reason: text("reason"),
    };
    const found = fieldErrors(setObjectiveSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) save.mutate(input);
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={`Objectives of ${name}`}
      description={
        source === "annotations"
          ? "Its annotations set these; what you save here comes before them."
          : source === "page"
            ? "Set in this page, before its annotations."
            : "It is held to nothing yet."
      }
      footer={
        <>
          {source === "page" && (
            <Button
              type="submit"
              form="objective-form"
              name="do"
              value="clear"
              className="mr-auto"
              disabledReason={refusal}
              busy={clear.isPending}
            >
              Back to the annotations
            </Button>
          )}
          <FormFooter onClose={onClose} form="objective-form" disabledReason={refusal} busy={save.isPending}>
            Save the objectives of {name}
          </FormFooter>
        </>
      }
    >
      <form id="objective-form" onSubmit={submit} noValidate className="grid gap-3">
        {error && Object.keys(shown).length === 0 && <ErrorNotice what="Nothing was saved" error={error} />}
        <Field
          label="Available, percent of requests"
          errors={shown["objective.availability"]}
          hint="Requests that succeed. As the prober sees them where it uses the service, else by the service's own counters."
        >
          {(ties) => (
            <Input
              {...ties}
              name="availability"
              inputMode="decimal"
              placeholder="99.9"
              defaultValue={asPercent(objective?.availability)}
              autoFocus
            />
          )}
        </Field>
        <div className="grid items-start gap-3 sm:grid-cols-2">
          <Field label="Fast, percent of requests" errors={shown["objective.latencyRatio"]}>
            {(ties) => (
              <Input
                {...ties}
                name="latencyRatio"
                inputMode="decimal"
                placeholder="99"
                defaultValue={asPercent(objective?.latencyRatio)}
              />
            )}
          </Field>
          <Field
            label="within, milliseconds"
            errors={shown["objective.latencySeconds"]}
            hint="Counted at the histogram's bound at or below it."
          >
            {(ties) => (
              <Input
                {...ties}
                name="latencyMs"
                inputMode="decimal"
                placeholder="50"
                defaultValue={objective?.latencySeconds == null ? "" : String(objective.latencySeconds * 1000)}
              />
            )}
          </Field>
        </div>
        <Field label="Over, days" errors={shown["objective.windowDays"]}>
          {(ties) => <Input {...ties} name="windowDays" inputMode="numeric" defaultValue={String(objective?.windowDays ?? 30)} />}
        </Field>
        <Field label="Why" errors={shown.reason} hint="Kept in the audit.">
          {(ties) => <Input {...ties} name="reason" autoComplete="off" maxLength={500} />}
        </Field>
      </form>
    </Dialog>
  );
}
