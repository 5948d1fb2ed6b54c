"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { actionSentence } from "#lib/client/action-texts.ts";
import { previewQuery, sendAction } from "#lib/client/actions.ts";
import { codeOf, problemOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { fleetKeys, serviceQuery, servicesQuery } from "#lib/client/fleet.ts";
import { rolloutKeys } from "#lib/client/rollouts.ts";
import type { ActionResult } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { Dialog } from "../dialog.tsx";
import { FormFooter } from "../form-footer.tsx";
import { useWatchedService } from "../live/live-provider.tsx";
import { ErrorNotice, Skeleton } from "../notices.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useOrderKey } from "../use-send-key.ts";
import { useSettled } from "../use-settled.ts";
import { useStored } from "../use-stored.ts";
import { ActionFields, ReasonField } from "./action-fields.tsx";
import { actionInput, hasMovedOn, initialValues, inputErrors } from "./action-input.ts";
import { ActionProgress } from "./action-progress.tsx";
import { MovedOn, PreviewView } from "./preview-view.tsx";
import type { ActionRequest } from "./use-actions.ts";

/** From the wish to the proof: what will change, the reason, the progress, the end. */
export function ActionDialog({ request, onClose }: { request: ActionRequest; onClose: () => void }) {
  useWatchedService(request.service);
  const fromList = useQuery(servicesQuery).data?.services.find((service) => service.id === request.service);
  const page = useQuery(serviceQuery(request.service));
  const service = fromList ?? page.data?.service;
  if (service) return <LoadedDialog request={request} service={service} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title={request.service}>
      {page.error ? (
        <ErrorNotice what="This service could not be read" error={page.error} onRetry={() => page.refetch()} />
      ) : (
        <Skeleton className="h-24" />
      )}
    </Dialog>
  );
}

function LoadedDialog({ request, service, onClose }: { request: ActionRequest; service: Service; onClose: () => void }) {
  const { verb } = request;
  const queries = useQueryClient();
  const formId = useId();
  const [seen, setSeen] = useState(service);
  const [values, setValues] = useState(() => initialValues(service, request.values));
  const [reason, setReason] = useStored(`reason ${verb} ${service.id}`, request.reason);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<ActionResult | null>(null);
  const keyOf = useOrderKey();
  const refusal = useRoleRefusal("operator");

  const input = actionInput(verb, values, reason, seen);
  const errors = inputErrors(verb, input);
  const isComplete = errors === null || Object.keys(errors).every((field) => field === "reason");
  // The server checks a dry run like the real thing, so the preview carries a reason of its own until there is one.
  const previewed = useSettled(isComplete ? actionInput(verb, values, "preview only", seen) : null, 250);
  const preview = useQuery({ ...previewQuery(service.id, verb, previewed), enabled: previewed !== null && result === null });
  const sentence = actionSentence(verb, service.name, values);
  const isStale = codeOf(error) === "stale";
  const problem = problemOf(error);

  const usePresent = () => {
    setSeen(service);
    setError(null);
    void queries.invalidateQueries({ queryKey: fleetKeys.service(service.id) });
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (errors || busy || refusal) return;
    setBusy(true);
    setError(null);
    try {
      setResult(await sendAction(service.id, verb, input, keyOf(input)));
      setReason("");
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: rolloutKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    }
  };

  if (result) return <ActionProgress verb={verb} before={seen} result={result} sentence={sentence} onClose={onClose} />;

  return (
    <Dialog
      open
      onClose={onClose}
      wide={preview.data?.template != null}
      title={sentence}
      description={`${service.namespace} · ${service.kind} · ${service.ready}/${service.desired} ready · version ${service.version}`}
      footer={
        <FormFooter
          onClose={onClose}
          form={formId}
          busy={busy}
          disabledReason={refusal ?? (preview.data?.nothingToDo ? preview.data.nothingToDo : null)}
        >
          {sentence}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <ActionFields
          verb={verb}
          service={service}
          values={values}
          onChange={setValues}
          errors={{ ...errors, ...problem?.fields }}
        />
        {(isStale || hasMovedOn(verb, seen, service)) && (
          <MovedOn changed={problem?.changed} verb={verb} seen={seen} now={service} onUsePresent={usePresent} />
        )}
        {error !== null && !isStale && <ErrorNotice what={`${sentence}: not done`} error={error} />}
        <PreviewView
          preview={preview.data}
          error={preview.error}
          isLoading={preview.isPending && isComplete}
          onRetry={() => preview.refetch()}
        />
        <ReasonField
          value={reason}
          onChange={setReason}
          errors={wasSubmitted ? (errors?.reason ?? problem?.fields?.reason) : undefined}
        />
      </form>
    </Dialog>
  );
}
