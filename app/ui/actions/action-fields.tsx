"use client";
import { useQuery } from "@tanstack/react-query";
import { Minus, Plus } from "lucide-react";
import type { ActionValues } from "#lib/client/action-texts.ts";
import { revisionsQuery } from "#lib/client/fleet.ts";
import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { Button } from "../button.tsx";
import { Field, Input, Select, TextArea } from "../field.tsx";

type FieldsProps = {
  verb: ActionVerb;
  service: Service;
  values: ActionValues;
  onChange: (values: ActionValues) => void;
  errors: Record<string, string[]>;
};

/** What an action asks for beside its reason. */
export function ActionFields(props: FieldsProps) {
  if (props.verb === "scale") return <ReplicasField {...props} />;
  if (props.verb === "image") return <ImageFields {...props} />;
  if (props.verb === "rollback") return <RevisionField {...props} />;
  return null;
}

function ReplicasField({ service, values, onChange, errors }: FieldsProps) {
  const step = (by: number) => onChange({ ...values, replicas: Math.max(0, (values.replicas ?? service.desired) + by) });
  return (
    <Field label="Instances" errors={errors.replicas} hint={`${service.desired} wanted now, ${service.ready} ready.`}>
      {(ties) => (
        <div className="flex items-center gap-1.5">
          <Button size="icon" className="size-8" aria-label="One less" onClick={() => step(-1)}>
            <Minus aria-hidden="true" />
          </Button>
          <Input
            {...ties}
            type="number"
            inputMode="numeric"
            min={0}
            max={5000}
            autoFocus
            onFocus={(event) => event.target.select()}
            className="w-24 text-center font-medium [appearance:textfield] [&::-webkit-inner-spin-button]:appearance-none"
            value={values.replicas ?? ""}
            onChange={(event) => onChange({ ...values, replicas: event.target.value === "" ? null : Number(event.target.value) })}
          />
          <Button size="icon" className="size-8" aria-label="One more" onClick={() => step(1)}>
            <Plus aria-hidden="true" />
          </Button>
        </div>
      )}
    </Field>
  );
}

function ImageFields({ service, values, onChange, errors }: FieldsProps) {
  const known = useQuery(revisionsQuery(service.id, service.templateHash)).data?.revisions ?? [];
  const images = [...new Set(known.flatMap((revision) => revision.images))].filter((image) => image !== service.image);
  return (
    <div className="grid gap-3">
      {service.containers.length > 1 && (
        <Field label="Container">
          {(ties) => (
            <Select
              {...ties}
              value={values.container}
              onChange={(event) => {
                const container = service.containers.find((candidate) => candidate.name === event.target.value);
                if (container) onChange({ ...values, container: container.name, image: container.image });
              }}
            >
              {service.containers.map((container) => (
                <option key={container.name}>{container.name}</option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Field label="Image" errors={errors.image} hint="Name and tag, or a digest. Instances are replaced one after another.">
        {(ties) => (
          <Input
            {...ties}
            autoFocus
            spellCheck={false}
            autoComplete="off"
            list="known-images"
            className="font-mono text-xs"
            value={values.image}
            onChange={(event) => onChange({ ...values, image: event.target.value })}
          />
        )}
      </Field>
      <datalist id="known-images">
        {images.map((image) => (
          <option key={image} value={image} />
        ))}
      </datalist>
    </div>
  );
}

function RevisionField({ service, values, onChange, errors }: FieldsProps) {
  const revisions = useQuery(revisionsQuery(service.id, service.templateHash)).data?.revisions ?? [];
  return (
    <Field label="To revision" errors={errors.toRevision} hint="The content comes back under a new revision number.">
      {(ties) => (
        <Select
          {...ties}
          value={values.toRevision}
          onChange={(event) => onChange({ ...values, toRevision: Number(event.target.value) })}
        >
          <option value={0}>The one before the present</option>
          {revisions
            .filter((revision) => !revision.current)
            .map((revision) => (
              <option key={revision.revision} value={revision.revision}>
                {revision.revision} · {revision.version}
                {revision.changeCause ? ` · ${revision.changeCause.slice(0, 60)}` : ""}
              </option>
            ))}
        </Select>
      )}
    </Field>
  );
}

export function ReasonField({
  value,
  onChange,
  errors,
}: {
  value: string;
  onChange: (reason: string) => void;
  errors?: string[];
}) {
  return (
    <Field label="Reason" errors={errors} hint="Goes into the audit. An incident or ticket, or a few words.">
      {(ties) => (
        <TextArea {...ties} required rows={2} maxLength={500} value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}
