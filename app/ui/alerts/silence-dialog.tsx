"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { alertKeys, createSilence, liveAlertsQuery, silencePreviewQuery } from "#lib/client/alerts.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { matcherProblem, matchersFor } from "#lib/client/matchers.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { LabelMatcher, SilenceResult } from "#lib/domain/alerts/silences-schemas.ts";
import { Dialog } from "../dialog.tsx";
import { Field, Select, TextArea } from "../field.tsx";
import { reasonErrors } from "../field-errors.ts";
import { FormFooter } from "../form-footer.tsx";
import { ErrorNotice } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useSettled } from "../use-settled.ts";
import { useStored } from "../use-stored.ts";
import { DurationField } from "./duration-field.tsx";
import { MatcherFields } from "./matcher-fields.tsx";
import { SilenceDone, SilencePreviewView } from "./silence-preview.tsx";
import type { SilenceRequest } from "./use-alert-actions.ts";

const noMatcher: LabelMatcher = { name: "", value: "", isEqual: true, isRegex: false };

/** Makes a silence: what it would hide is shown before, what it is afterwards. */
export function SilenceDialog({ request, onClose }: { request: SilenceRequest; onClose: () => void }) {
  const queries = useQueryClient();
  const formId = useId();
  const alerts = request.alerts ?? [];
  const sources =
    useQuery(liveAlertsQuery())
      .data?.sources.filter((each) => !each.disabled)
      .map((each) => each.name) ?? [];
  const [chosenSource, setSource] = useState(request.source ?? alerts[0]?.source ?? null);
  const source = chosenSource ?? sources[0];
  const [matchers, setMatchers] = useState(() => {
    const filled = request.matchers ?? matchersFor(alerts);
    return filled.length > 0 ? filled : [noMatcher];
  });
  const [minutes, setMinutes] = useState(60);
  const [reason, setReason] = useStored("silence reason");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<SilenceResult | null>(null);
  const refusal = useRoleRefusal("operator");
  const isValid = matchers.every((matcher) => matcherProblem(matcher) === null);
  const asked = useSettled(isValid ? { matchers, ...(source ? { source } : {}) } : null, 250);
  const preview = useQuery({ ...silencePreviewQuery(asked ?? { matchers }), enabled: asked !== null && result === null });
  const fields = fieldsOf(error);
  const missing = reasonErrors(reason);
  const shown = isValid ? preview.data : undefined;
  const sentence = shown ? `Silence ${countOf(shown.alertCount, "alert")}` : "Silence";

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (busy || refusal || !isValid || missing) return;
    setBusy(true);
    setError(null);
    try {
      setResult(
        await createSilence({ matchers, durationMinutes: minutes, reason: reason.trim(), ...(source ? { source } : {}) }),
      );
      setReason("");
      void queries.invalidateQueries({ queryKey: alertKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };

  if (result) return <SilenceDone result={result} onClose={onClose} />;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={alerts.length === 1 && alerts[0] ? `Silence ${alerts[0].name}` : "New silence"}
      description="Alertmanager goes on evaluating and tells nobody of what this hides. Pages go on showing it, as silenced."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={busy} disabledReason={refusal}>
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        {sources.length > 1 && (
          <Field label="Alertmanager">
            {(ties) => (
              <Select {...ties} value={source} onChange={(event) => setSource(event.target.value)}>
                {sources.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <MatcherFields
          matchers={matchers}
          alerts={alerts}
          showsProblems={wasSubmitted}
          onChange={setMatchers}
          blank={noMatcher}
        />
        <SilencePreviewView
          preview={shown}
          error={preview.error}
          isWaiting={isValid && preview.isPending}
          isValid={isValid}
          onRetry={() => preview.refetch()}
        />
        <DurationField minutes={minutes} onChange={setMinutes} errors={fields?.durationMinutes} />
        <Field
          label="Reason"
          errors={(wasSubmitted ? missing : undefined) ?? fields?.reason}
          hint="Whoever finds the silence later reads it; so does the audit."
        >
          {(ties) => (
            <TextArea
              {...ties}
              rows={2}
              value={reason}
              maxLength={500}
              onChange={(event) => setReason(event.target.value)}
              placeholder="e.g. database upgrade until 15:00, known to be slow"
            />
          )}
        </Field>
        {error !== null && <ErrorNotice what="The silence was not made" error={error} />}
      </form>
    </Dialog>
  );
}
