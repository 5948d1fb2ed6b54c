"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  alertmanagerSnippet,
  alertSourceKeys,
  createAlertSource,
  removeAlertSource,
  rotateAlertSource,
  updateAlertSource,
} from "#lib/client/alert-sources.ts";
import { fieldsOf } from "#lib/client/api.ts";
import type { AlertSourceView, CreatedSource } from "#lib/domain/alerts/source-schemas.ts";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, TextArea } from "../../../ui/field.tsx";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { Confirmation } from "./confirmation.tsx";
import { OneTimeSecret } from "./one-time-secret.tsx";
import { errorsBelow, wordsOf } from "./target-input.ts";

type Errors = Record<string, string[]>;

/** A mutation after which the sources are read again. */
function useSourceMutation<T>(mutationFn: (input: object) => Promise<T>, onSuccess: (answer: T) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: alertSourceKeys.all });
      onSuccess(answer);
    },
  });
}

const urlsOf = (data: FormData) => wordsOf(String(data.get("urls") ?? ""));

export function AddSourceDialog({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<CreatedSource | null>(null);
  const add = useSourceMutation((input) => createAlertSource(input as { name: string }), setMade);
  const errors = fieldsOf(add.error) ?? {};
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    add.mutate({ name: String(data.get("name") ?? ""), urls: urlsOf(data) });
  };
  if (made) return <Snippet made={made} onClose={onClose} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a source of alerts"
      footer={
        <FormFooter form="source-form" busy={add.isPending} onClose={onClose}>
          Add the source
        </FormFooter>
      }
    >
      <form id="source-form" onSubmit={submit} noValidate className="grid gap-3">
        <Field label="Name" errors={errors.name} hint="Stands in the address of its webhook, e.g. production.">
          {(ties) => <Input {...ties} name="name" autoComplete="off" autoCapitalize="none" spellCheck={false} autoFocus />}
        </Field>
        <UrlsField errors={errors} />
        {add.error && Object.keys(errors).length === 0 && <ErrorNotice what="No source was added" error={add.error} />}
      </form>
    </Dialog>
  );
}

export function EditSourceDialog({ source, onClose }: { source: AlertSourceView; onClose: () => void }) {
  const save = useSourceMutation((input) => updateAlertSource(source.id, input as { urls: string[] }), onClose);
  const errors = fieldsOf(save.error) ?? {};
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    save.mutate({ urls: urlsOf(data), disabled: data.get("enabled") !== "on" });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={source.name}
      description="Source of alerts"
      footer={
        <FormFooter form="source-form" busy={save.isPending} onClose={onClose}>
          Save {source.name}
        </FormFooter>
      }
    >
      <form id="source-form" onSubmit={submit} noValidate className="grid gap-3">
        <UrlsField errors={errors} urls={source.members.map(({ url }) => url)} />
        <label className="flex items-center gap-2">
          <input type="checkbox" name="enabled" defaultChecked={!source.disabled} />
          Take its alerts. While this is off, its webhook is refused and it is not polled.
        </label>
        {save.error && Object.keys(errors).length === 0 && <ErrorNotice what="Nothing was saved" error={save.error} />}
      </form>
    </Dialog>
  );
}

export function RotateSourceDialog({ source, onClose }: { source: AlertSourceView; onClose: () => void }) {
  const [made, setMade] = useState<CreatedSource | null>(null);
  const rotate = useSourceMutation(() => rotateAlertSource(source.id), setMade);
  if (made) return <Snippet made={made} onClose={onClose} />;
  return (
    <Confirmation
      title={`New secret for ${source.name}`}
      description={`The present one (${source.prefix}…) ends within a second.`}
      verb="Make a new secret"
      failed="The present secret still counts"
      mutation={rotate}
      onConfirm={() => rotate.mutate({})}
      onClose={onClose}
    >
      Alertmanager is refused until its alertmanager.yml has the new one. What it could not send meanwhile is found by polling
      {source.members.length === 0 && ", but no Alertmanager of this source is polled"}.
    </Confirmation>
  );
}

export function RemoveSourceDialog({ source, onClose }: { source: AlertSourceView; onClose: () => void }) {
  const remove = useSourceMutation(() => removeAlertSource(source.id), onClose);
  return (
    <Confirmation
      title={`Remove ${source.name} with its alerts`}
      description="What fires now and the whole history of this source are deleted. This cannot be undone."
      verb={`Remove ${source.name} with its alerts`}
      failed="Nothing was removed"
      typed={source.name}
      danger
      mutation={remove}
      onConfirm={() => remove.mutate({})}
      onClose={onClose}
    >
      {source.openAlerts > 0 && (
        <b className="font-medium text-warn">{`${source.openAlerts} of its alerts ${source.openAlerts === 1 ? "fires" : "fire"} now. `}</b>
      )}
      To keep the history, stop taking its alerts instead: “Change”.
    </Confirmation>
  );
}

function UrlsField({ errors, urls = [] }: { errors: Errors; urls?: string[] }) {
  return (
    <Field
      label="Alertmanagers"
      errors={errorsBelow(errors, "urls")}
      hint="The address of each member of the cluster, one a line. They are polled for what a webhook cannot tell: silences, and what was missed."
    >
      {(ties) => (
        <TextArea
          {...ties}
          name="urls"
          rows={3}
          spellCheck={false}
          placeholder="http://alertmanager-0:9093"
          defaultValue={urls.join("\n")}
        />
      )}
    </Field>
  );
}

function Snippet({ made: { source, secret }, onClose }: { made: CreatedSource; onClose: () => void }) {
  return (
    <OneTimeSecret
      title={`Alertmanager for ${source.name}`}
      secret={alertmanagerSnippet(window.location.origin, source.name, secret)}
      label="Copy the snippet"
      onClose={onClose}
    >
      Paste it into alertmanager.yml of every member, or add its receiver to your routes with “continue: true”. Keep max_alerts at
      0: nothing is cut off then.
    </OneTimeSecret>
  );
}
