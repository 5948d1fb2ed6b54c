"use client";
import { useState } from "react";
import { writeDuration } from "#lib/client/duration-text.ts";
import { countOf, formatFigure } from "#lib/client/numbers.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { fitAnalysis, type MetricTemplate, metricInfos, metricsOf } from "#lib/domain/rollouts/analysis/templates.ts";
import { type Analysis, defaultAnalysis } from "#lib/domain/rollouts/strategy.ts";
import { Button } from "../../../../../../ui/button.tsx";
import { Check } from "../../../../../../ui/check.tsx";
import { Field } from "../../../../../../ui/field.tsx";
import { DurationInput, NumberInput } from "../../../../../../ui/number-inputs.tsx";
import type { Errors } from "./form-errors.ts";
import { Pair } from "./form-parts.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";

type Properties = {
  service: Service;
  title: string;
  analysis: Analysis | null;
  onChange: (analysis: Analysis | null) => void;
  errors: Errors;
  /** Nothing else ends it, so it needs a number of measurements. */
  needsCount?: boolean;
};

/** Whether something is measured while a step lasts, what, and when that is too bad. */
export function AnalysisFields({ service, title, analysis, onChange, errors, needsCount = false }: Properties) {
  const [left, setLeft] = useState<Analysis>(() =>
    fitAnalysis({ ...defaultAnalysis, count: needsCount ? 5 : defaultAnalysis.count }, service.kind),
  );
  const [isReplaying, setReplaying] = useState(false);
  const toggle = (isWanted: boolean) => {
    if (analysis) setLeft(analysis);
    onChange(isWanted ? left : null);
  };
  const isValid = Object.keys(errors).length === 0;
  return (
    <fieldset className="grid gap-3 border-t pt-3">
      <legend className="sr-only">{title}</legend>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Check checked={analysis !== null} onChange={toggle} label={<span className="font-medium">{title}</span>} />
        {analysis && (
          <Button
            size="small"
            disabledReason={isValid ? null : "Mend what is marked below first."}
            onClick={() => setReplaying(true)}
          >
            Try on past releases
          </Button>
        )}
      </div>
      {analysis && <Fields kind={service.kind} analysis={analysis} onChange={onChange} errors={errors} needsCount={needsCount} />}
      {analysis && isReplaying && <ReplayDialog service={service.id} analysis={analysis} onClose={() => setReplaying(false)} />}
    </fieldset>
  );
}

function Fields({
  kind,
  analysis,
  onChange,
  errors,
  needsCount,
}: {
  kind: string;
  analysis: Analysis;
  onChange: (analysis: Analysis) => void;
  errors: Errors;
  needsCount: boolean;
}) {
  const set = (part: Partial<Analysis>) => onChange({ ...analysis, ...part });
  const offered = metricsOf(kind);
  const toggle = (name: string) => (isWanted: boolean) =>
    set({
      metrics: isWanted ? [...analysis.metrics, name] : analysis.metrics.filter((each) => each !== name),
    });
  return (
    <div className="grid gap-3 pl-5.5">
      <div className="grid gap-x-3 gap-y-1 sm:grid-cols-2">
        {offered.map((metric) => (
          <Check
            key={metric.name}
            checked={analysis.metrics.includes(metric.name)}
            onChange={toggle(metric.name)}
            label={
              <span title={metricInfos[metric.name].about}>
                {metricInfos[metric.name].title}
                <span className="block text-xs text-ink-3">{limitWords(metric)}</span>
              </span>
            }
          />
        ))}
      </div>
      {errors.metrics && (
        <p role="alert" className="text-xs text-bad">
          {errors.metrics.join(" ")}
        </p>
      )}
      <Pair>
        <Field label="Measure every" errors={errors.intervalSeconds}>
          {(ties) => (
            <DurationInput
              {...ties}
              value={analysis.intervalSeconds}
              onChange={(value) => set({ intervalSeconds: value ?? Number.NaN })}
            />
          )}
        </Field>
        <Field label="over the last" errors={errors.windowSeconds}>
          {(ties) => (
            <DurationInput
              {...ties}
              value={analysis.windowSeconds}
              onChange={(value) => set({ windowSeconds: value ?? Number.NaN })}
            />
          )}
        </Field>
        <Field label="How many times" errors={errors.count}>
          {(ties) => (
            <NumberInput
              {...ties}
              {...(needsCount ? {} : { emptyMeans: "until the steps are over" })}
              value={analysis.count}
              onChange={(count) => set({ count })}
            />
          )}
        </Field>
        <Field
          label="Bad measurements that it bears"
          errors={errors.failureLimit}
          hint="Of one metric, in all. One more gives the rollout up."
        >
          {(ties) => (
            <NumberInput
              {...ties}
              value={analysis.failureLimit}
              onChange={(value) => set({ failureLimit: value ?? Number.NaN })}
            />
          )}
        </Field>
      </Pair>
      <details>
        <summary className="cursor-pointer text-ink-2 hover:text-ink">
          When there is little to measure{" "}
          <span className="text-ink-3">
            {countOf(analysis.minimumSamples, "request")} at least;{" "}
            {analysis.noDataLimit === null ? "never pauses" : `pauses after ${analysis.noDataLimit + 1} × no data`}
          </span>
        </summary>
        <div className="mt-3">
          <Pair>
            <Field label="Requests for a verdict" errors={errors.minimumSamples} hint="Fewer on either side give none.">
              {(ties) => (
                <NumberInput
                  {...ties}
                  value={analysis.minimumSamples}
                  onChange={(value) => set({ minimumSamples: value ?? Number.NaN })}
                />
              )}
            </Field>
            <Field label="No data that it bears" errors={errors.noDataLimit} hint="In a row. One more pauses the rollout.">
              {(ties) => (
                <NumberInput
                  {...ties}
                  emptyMeans="any number"
                  value={analysis.noDataLimit}
                  onChange={(noDataLimit) => set({ noDataLimit })}
                />
              )}
            </Field>
            <Field
              label="Errors of Prometheus that it bears"
              errors={errors.errorLimit}
              hint={`In a row, ${Number.isNaN(analysis.intervalSeconds) ? "one an interval" : `one every ${writeDuration(analysis.intervalSeconds)}`}. One more gives the rollout up.`}
            >
              {(ties) => (
                <NumberInput
                  {...ties}
                  value={analysis.errorLimit}
                  onChange={(value) => set({ errorLimit: value ?? Number.NaN })}
                />
              )}
            </Field>
          </Pair>
        </div>
      </details>
    </div>
  );
}

function limitWords({ name, limit }: MetricTemplate): string {
  const { unit, bad } = metricInfos[name];
  if (limit === null) return "against the stable version";
  if (limit === 0) return "none";
  const words = bad === "above" ? `at most ${formatFigure(limit, unit)}` : `at least ${formatFigure(limit, unit)}`;
  return name === "error-ratio" || name === "latency-p95" ? `${words}, and against the stable version` : words;
}
