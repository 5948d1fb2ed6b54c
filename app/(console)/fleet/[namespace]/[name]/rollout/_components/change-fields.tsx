"use client";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { revisionsQuery } from "#lib/client/fleet.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { RolloutOptions } from "#lib/domain/rollouts/start/start-schemas.ts";
import { Button } from "../../../../../../ui/button.tsx";
import { cn } from "../../../../../../ui/class-names.ts";
import { Field, Input, Select, TextArea } from "../../../../../../ui/field.tsx";
import { ConfigFields } from "./config-fields.tsx";
import type { Draft } from "./draft.ts";
import type { Errors } from "./form-errors.ts";

type Properties = {
  service: Service;
  options: RolloutOptions;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  errors: Errors;
};

/** What the rollout brings: another image, or the whole template; and other configuration with it or alone. */
export function ChangeFields(properties: Properties) {
  const { options, draft, onChange, errors } = properties;
  return (
    <div className="grid gap-4">
      <div role="tablist" aria-label="What changes" className="flex gap-1">
        <Tab isCurrent={draft.by === "image"} onSelect={() => onChange({ by: "image" })}>
          Image
        </Tab>
        <Tab isCurrent={draft.by === "template"} onSelect={() => onChange({ by: "template" })}>
          Whole template
        </Tab>
      </div>
      {draft.by === "image" ? <ImageFields {...properties} /> : <TemplateField {...properties} />}
      <ConfigFields
        config={options.config}
        edits={draft.config}
        onChange={(config) => onChange({ config })}
        errors={errors.config}
      />
    </div>
  );
}

const Tab = ({ isCurrent, onSelect, children }: { isCurrent: boolean; onSelect: () => void; children: string }) => (
  <button
    type="button"
    role="tab"
    aria-selected={isCurrent}
    onClick={onSelect}
    className={cn(
      "h-7 rounded-md border border-line-strong px-2.5 hover:bg-hover",
      isCurrent && "border-accent-solid/60 bg-selected font-medium text-accent hover:bg-selected",
    )}
  >
    {children}
  </button>
);

function ImageFields({ service, options, draft, onChange, errors }: Properties) {
  const listId = useId();
  const known = useQuery(revisionsQuery(service.id, service.templateHash)).data?.revisions ?? [];
  const present = options.containers.find(({ name }) => name === draft.container)?.image;
  const images = [...new Set(known.flatMap((revision) => revision.images))].filter((image) => image !== present);
  const choose = (name: string) => {
    const container = options.containers.find((each) => each.name === name);
    if (container) onChange({ container: container.name, image: container.image });
  };
  return (
    <div className="grid gap-3">
      {options.containers.length > 1 && (
        <Field label="Container">
          {(ties) => (
            <Select {...ties} value={draft.container} onChange={({ target }) => choose(target.value)}>
              {options.containers.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Field label="Image" errors={errors.image} hint={`Runs now: ${present}. Name and tag, or a digest.`}>
        {(ties) => (
          <Input
            {...ties}
            autoFocus
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="none"
            list={listId}
            className="font-mono text-xs"
            value={draft.image}
            onChange={({ target }) => onChange({ image: target.value })}
          />
        )}
      </Field>
      <datalist id={listId}>
        {images.map((image) => (
          <option key={image} value={image} />
        ))}
      </datalist>
    </div>
  );
}

function TemplateField({ options, draft, onChange, errors }: Properties) {
  return (
    <div className="grid gap-2">
      <Field label="Pod template, as YAML" errors={errors.template} hint="What differs from the present one is shown below.">
        {(ties) => (
          <TextArea
            {...ties}
            rows={18}
            spellCheck={false}
            autoCapitalize="none"
            wrap="off"
            className="scroll-thin font-mono text-xs leading-5"
            value={draft.yaml ?? options.template}
            onChange={({ target }) => onChange({ yaml: target.value })}
          />
        )}
      </Field>
      {draft.yaml !== null && (
        <p>
          <Button size="small" onClick={() => onChange({ yaml: null })}>
            Back to the present template
          </Button>
        </p>
      )}
    </div>
  );
}
