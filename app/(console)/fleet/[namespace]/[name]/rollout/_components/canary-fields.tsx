"use client";
import { Plus, X } from "lucide-react";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import { Button } from "../../../../../../ui/button.tsx";
import { Field, Input, Select } from "../../../../../../ui/field.tsx";
import { DurationInput, NumberInput } from "../../../../../../ui/number-inputs.tsx";
import { AnalysisFields } from "./analysis-fields.tsx";
import { DeadlineField } from "./deadline-field.tsx";
import { type Errors, errorsUnder } from "./form-errors.ts";
import { Pair } from "./form-parts.tsx";

type Canary = Extract<Strategy, { kind: "canary" }>;
type Properties = { service: Service; strategy: Canary; onChange: (strategy: Canary) => void; errors: Errors };

const traffics: Record<Canary["traffic"], string> = {
  auto: "By its route, else by instances",
  route: "By the weights of its route",
  replicas: "By the share of instances",
};

export function CanaryFields({ service, strategy, onChange, errors }: Properties) {
  return (
    <>
      <StepsField strategy={strategy} onChange={onChange} errors={errorsUnder(errors, "steps")} />
      <Pair>
        <Field label="Traffic is split" errors={errors.traffic}>
          {(ties) => (
            <Select
              {...ties}
              className="w-full"
              value={strategy.traffic}
              onChange={({ target }) => onChange({ ...strategy, traffic: target.value as Canary["traffic"] })}
            >
              {Object.entries(traffics).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <DeadlineField
          seconds={strategy.progressDeadlineSeconds}
          onChange={(progressDeadlineSeconds) => onChange({ ...strategy, progressDeadlineSeconds })}
          errors={errors}
        />
      </Pair>
      {strategy.traffic !== "replicas" && <HeaderFields strategy={strategy} onChange={onChange} errors={errors} />}
      <AnalysisFields
        service={service}
        title="Measure the canary all the while"
        analysis={strategy.analysis}
        onChange={(analysis) => onChange({ ...strategy, analysis })}
        errors={errorsUnder(errors, "analysis")}
      />
    </>
  );
}

function StepsField({ strategy, onChange, errors }: Omit<Properties, "service">) {
  const { steps } = strategy;
  const set = (index: number, step: Partial<Canary["steps"][number]>) =>
    onChange({ ...strategy, steps: steps.map((each, at) => (at === index ? { ...each, ...step } : each)) });
  const add = () => {
    const last = steps.at(-1);
    const weight = Math.min(100, Math.max(1, (last?.weight || 5) * 2));
    onChange({ ...strategy, steps: [...steps, { weight, pauseSeconds: last?.pauseSeconds ?? 3600 }] });
  };
  const messages = [...new Set(Object.values(errors).flat())];
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1.5 font-medium text-ink-2">Steps</legend>
      <ol className="grid gap-1.5">
        {steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step has no name but its place
          <li key={index} className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span aria-hidden="true" className="w-4 text-right text-ink-3">
              {index + 1}
            </span>
            <NumberInput
              aria-label={`Weight of step ${index + 1}, percent`}
              aria-invalid={errors[`${index}.weight`] ? true : undefined}
              className="w-16 text-right"
              value={step.weight}
              onChange={(weight) => set(index, { weight: weight ?? Number.NaN })}
            />
            <span className="text-ink-2">% for</span>
            <DurationInput
              aria-label={`Pause of step ${index + 1}`}
              aria-invalid={errors[`${index}.pauseSeconds`] ? true : undefined}
              className="w-36"
              emptyMeans="until promoted"
              value={step.pauseSeconds}
              onChange={(pauseSeconds) => set(index, { pauseSeconds })}
            />
            <Button
              size="icon"
              look="ghost"
              aria-label={`Remove step ${index + 1}`}
              disabledReason={steps.length === 1 ? "A canary has one step at least." : null}
              onClick={() => onChange({ ...strategy, steps: steps.filter((_, at) => at !== index) })}
            >
              <X aria-hidden="true" />
            </Button>
          </li>
        ))}
      </ol>
      <p className="flex flex-wrap items-center gap-x-3 pl-6 text-ink-2">
        {steps.at(-1)?.weight === 100 ? "then the service itself is updated" : "then 100 %, and the service itself is updated"}
        <Button
          size="small"
          onClick={add}
          disabledReason={steps.at(-1)?.weight === 100 ? "The last step is at 100 % already." : null}
        >
          <Plus aria-hidden="true" /> Add a step
        </Button>
      </p>
      {messages.length > 0 && (
        <p role="alert" className="text-xs text-bad">
          {messages.join(" ")}
        </p>
      )}
    </fieldset>
  );
}

function HeaderFields({ strategy, onChange, errors }: Omit<Properties, "service">) {
  const { header } = strategy;
  const set = (part: Partial<{ name: string; value: string }>) => {
    const next = { name: header?.name ?? "", value: header?.value ?? "", ...part };
    onChange({ ...strategy, header: next.name === "" && next.value === "" ? null : next });
  };
  return (
    <Pair>
      <Field
        label="Header that leads to the canary"
        errors={errors["header.name"] ? ["Give the header's name."] : undefined}
        hint="For testers; only where a route splits the traffic."
      >
        {(ties) => (
          <Input
            {...ties}
            autoComplete="off"
            spellCheck={false}
            placeholder="none"
            value={header?.name ?? ""}
            onChange={({ target }) => set({ name: target.value })}
          />
        )}
      </Field>
      <Field label="with the value" errors={errors["header.value"] ? ["Give the header's value."] : undefined}>
        {(ties) => (
          <Input
            {...ties}
            autoComplete="off"
            spellCheck={false}
            value={header?.value ?? ""}
            onChange={({ target }) => set({ value: target.value })}
          />
        )}
      </Field>
    </Pair>
  );
}
