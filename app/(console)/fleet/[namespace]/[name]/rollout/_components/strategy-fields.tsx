"use client";
import { useId } from "react";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { RolloutOptions } from "#lib/domain/rollouts/start/start-schemas.ts";
import type { Strategy, StrategyKind } from "#lib/domain/rollouts/strategy.ts";
import { Check } from "../../../../../../ui/check.tsx";
import { cn } from "../../../../../../ui/class-names.ts";
import { Field } from "../../../../../../ui/field.tsx";
import { DurationInput, NumberInput } from "../../../../../../ui/number-inputs.tsx";
import { AnalysisFields } from "./analysis-fields.tsx";
import { CanaryFields } from "./canary-fields.tsx";
import { DeadlineField } from "./deadline-field.tsx";
import { type Errors, errorsUnder } from "./form-errors.ts";
import { Pair } from "./form-parts.tsx";

const kinds: Record<StrategyKind, { name: string; words: string }> = {
  canary: { name: "Canary", words: "A small share first, more while it stays good." },
  "blue-green": { name: "Blue-green", words: "A whole second fleet, then all traffic at once. Back is instant." },
  rolling: { name: "Rolling", words: "Instance by instance, in place." },
};

/** How the change is carried out: the kind, and what that kind asks for. */
export function StrategyFields({
  service,
  strategy,
  onChange,
  errors,
  options,
}: {
  service: Service;
  strategy: Strategy;
  onChange: (strategy: Strategy) => void;
  errors: Errors;
  options: RolloutOptions;
}) {
  const name = useId();
  const choose = (kind: StrategyKind) => {
    if (kind !== strategy.kind) onChange(options.strategies[kind]);
  };
  return (
    <div className="grid gap-4">
      <fieldset className="grid gap-2 sm:grid-cols-3">
        <legend className="sr-only">Strategy</legend>
        {(Object.keys(kinds) as StrategyKind[]).map((kind) => (
          <label
            key={kind}
            className={cn(
              "flex items-start gap-2 rounded-md border border-line-strong px-3 py-2",
              options.refused[kind] ? "opacity-60" : "cursor-pointer hover:bg-hover",
              kind === strategy.kind && "border-accent-solid/60 bg-selected hover:bg-selected",
            )}
          >
            <input
              type="radio"
              name={name}
              checked={kind === strategy.kind}
              disabled={options.refused[kind] !== null}
              onChange={() => choose(kind)}
              className="mt-1 accent-(--accent-solid)"
            />
            <span>
              <span className="font-medium">{kinds[kind].name}</span>
              <span className="block text-xs text-ink-2">{options.refused[kind] ?? kinds[kind].words}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {options.problem && <p className="text-warn">{options.problem}</p>}
      <KindFields service={service} strategy={strategy} onChange={onChange} errors={errors} />
    </div>
  );
}

type KindProperties<S extends Strategy> = {
  service: Service;
  strategy: S;
  onChange: (strategy: Strategy) => void;
  errors: Errors;
};

function KindFields({ strategy, ...rest }: KindProperties<Strategy>) {
  switch (strategy.kind) {
    case "canary":
      return <CanaryFields strategy={strategy} {...rest} />;
    case "blue-green":
      return <BlueGreenFields strategy={strategy} {...rest} />;
    case "rolling":
      return <RollingFields strategy={strategy} {...rest} />;
  }
}

function RollingFields({ service, strategy, onChange, errors }: KindProperties<Extract<Strategy, { kind: "rolling" }>>) {
  return (
    <>
      <Pair>
        <Field label="Pause after" errors={errors.pauseAfter} hint="So many updated instances, until somebody promotes it.">
          {(ties) => (
            <NumberInput
              {...ties}
              emptyMeans="no pause"
              value={strategy.pauseAfter}
              onChange={(pauseAfter) => onChange({ ...strategy, pauseAfter })}
            />
          )}
        </Field>
        <DeadlineField
          seconds={strategy.progressDeadlineSeconds}
          onChange={(progressDeadlineSeconds) => onChange({ ...strategy, progressDeadlineSeconds })}
          errors={errors}
        />
      </Pair>
      <AnalysisFields
        service={service}
        title="Measure while it rolls"
        analysis={strategy.analysis}
        onChange={(analysis) => onChange({ ...strategy, analysis })}
        errors={errorsUnder(errors, "analysis")}
      />
      {strategy.analysis && (
        <Field label="Goes on measuring for" errors={errors.stableSeconds} hint="After the last instance is updated.">
          {(ties) => (
            <DurationInput
              {...ties}
              className="w-40"
              value={strategy.stableSeconds}
              onChange={(value) => onChange({ ...strategy, stableSeconds: value ?? Number.NaN })}
            />
          )}
        </Field>
      )}
      <Check
        checked={strategy.rollbackOnFailure}
        onChange={(rollbackOnFailure) => onChange({ ...strategy, rollbackOnFailure })}
        label="Roll back by itself when it fails"
      />
    </>
  );
}

function BlueGreenFields({ service, strategy, onChange, errors }: KindProperties<Extract<Strategy, { kind: "blue-green" }>>) {
  return (
    <>
      <Pair>
        <Field label="Instances of the preview" errors={errors.previewReplicas} hint="It grows to full size before the switch.">
          {(ties) => (
            <NumberInput
              {...ties}
              emptyMeans="as many as now"
              value={strategy.previewReplicas}
              onChange={(previewReplicas) => onChange({ ...strategy, previewReplicas })}
            />
          )}
        </Field>
        <Field
          label="Old version lives on for"
          errors={errors.scaleDownDelaySeconds}
          hint="After the switch. Until then the return is instant."
        >
          {(ties) => (
            <DurationInput
              {...ties}
              value={strategy.scaleDownDelaySeconds}
              onChange={(value) => onChange({ ...strategy, scaleDownDelaySeconds: value ?? Number.NaN })}
            />
          )}
        </Field>
      </Pair>
      <AnalysisFields
        service={service}
        title="Measure the preview before the switch"
        needsCount
        analysis={strategy.prePromotion}
        onChange={(prePromotion) => onChange({ ...strategy, prePromotion })}
        errors={errorsUnder(errors, "prePromotion")}
      />
      <Check
        checked={strategy.waitForPromotion}
        onChange={(waitForPromotion) => onChange({ ...strategy, waitForPromotion })}
        label="Wait for somebody to promote it before the switch"
      />
      <AnalysisFields
        service={service}
        title="Measure after the switch, and switch back if it is bad"
        needsCount
        analysis={strategy.postPromotion}
        onChange={(postPromotion) => onChange({ ...strategy, postPromotion })}
        errors={errorsUnder(errors, "postPromotion")}
      />
      <Pair>
        <DeadlineField
          seconds={strategy.progressDeadlineSeconds}
          onChange={(progressDeadlineSeconds) => onChange({ ...strategy, progressDeadlineSeconds })}
          errors={errors}
        />
      </Pair>
    </>
  );
}
