"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Trash2, TriangleAlert } from "lucide-react";
import { type ReactNode, useDeferredValue, useEffect, useId, useState } from "react";
import { messageOf } from "#lib/client/api.ts";
import { expressionCheckQuery } from "#lib/client/metrics.ts";
import { countOf, formatFigure } from "#lib/client/numbers.ts";
import type { PanelDraft } from "#lib/client/panel-draft.ts";
import type { ExpressionCheck } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { PromqlEditor } from "../../../../../ui/chart/promql-editor.tsx";
import { Input } from "../../../../../ui/field.tsx";

type Query = PanelDraft["queries"][number];

const settleMs = 500;

/** One expression of a chart, with what Prometheus says of it. */
export function QueryField(properties: {
  id: string;
  index: number;
  query: Query;
  metricNames: readonly string[];
  errors: string[] | undefined;
  onChange: (query: Query) => void;
  onRemove: (() => void) | null;
  seriesLabel: string;
  onLabel: (label: string) => void;
}) {
  const { id, index, query, metricNames, errors, onChange, onRemove, seriesLabel, onLabel } = properties;
  const noteId = useId();
  const expr = useLate(useDeferredValue(query.expr));
  const { data, error, isFetching } = useQuery(expressionCheckQuery(id, expr));
  const isPresent = expr === query.expr && !isFetching && expr.trim() !== "";
  return (
    <div className="grid gap-1">
      <div className="flex items-end gap-2">
        <span className="font-medium text-ink-2">Expression {index + 1}</span>
        <Input
          aria-label={`Name of expression ${index + 1}`}
          placeholder="name (for the legend)"
          className="ml-auto h-6 w-44 text-xs"
          value={query.name}
          onChange={(event) => onChange({ ...query, name: event.target.value })}
        />
        {onRemove && (
          <Button size="icon" look="ghost" className="size-6" aria-label={`Remove expression ${index + 1}`} onClick={onRemove}>
            <Trash2 aria-hidden="true" />
          </Button>
        )}
      </div>
      <PromqlEditor
        label={`Expression ${index + 1}`}
        describedBy={noteId}
        value={query.expr}
        metricNames={metricNames}
        isInvalid={errors !== undefined || (isPresent && data?.isGood === false)}
        onChange={(next) => onChange({ ...query, expr: next })}
      />
      <div id={noteId} aria-live="polite" className="grid gap-0.5 text-xs">
        {errors?.map((message) => (
          <Said key={message} tone="bad">
            {message}
          </Said>
        ))}
        {query.expr.trim() === "" ? (
          <p className="text-ink-3">
            <code>$in</code> stands for this service's labels and <code>$window</code> for the window of a rate, as in{" "}
            <code>rate(requests_total{"{$in}"}[$window])</code>. Type <code>$</code> for the others.
          </p>
        ) : !isPresent ? (
          <p className="text-ink-3">Asking Prometheus …</p>
        ) : error ? (
          <Said tone="warn">It could not be checked: {messageOf(error)}</Said>
        ) : (
          data && <Verdict check={data} seriesLabel={seriesLabel} onLabel={onLabel} />
        )}
      </div>
    </div>
  );
}

function Verdict({
  check,
  seriesLabel,
  onLabel,
}: {
  check: ExpressionCheck;
  seriesLabel: string;
  onLabel: (label: string) => void;
}) {
  const { isGood, errors, problem, warnings, seriesCount, sample, labelNames, milliseconds } = check;
  const [first] = sample;
  return (
    <>
      {errors.map(({ from, message }) => (
        <Said key={`${from} ${message}`} tone="bad">
          At character {from + 1}: {message}
        </Said>
      ))}
      {problem && <Said tone={isGood ? "warn" : "bad"}>{problem}</Said>}
      {warnings.map((warning) => (
        <Said key={warning} tone="warn">
          {warning}
        </Said>
      ))}
      {isGood && seriesCount !== null && (
        <Said tone={seriesCount === 0 ? "warn" : "good"}>
          {seriesCount === 0 ? "Prometheus answers with no series now." : `${countOf(seriesCount, "series", "series")} now`}
          {first && seriesCount === 1 && `, ${formatFigure(first.value, "count")}`}
          {milliseconds !== null && <span className="text-ink-3"> in {Math.round(milliseconds)} ms</span>}
        </Said>
      )}
      {labelNames.length > 0 && (seriesCount ?? 0) > 1 && (
        <p className="flex flex-wrap items-center gap-1 text-ink-3">
          Name them by
          {labelNames.map((label) => (
            <button
              key={label}
              type="button"
              aria-pressed={label === seriesLabel}
              onClick={() => onLabel(label === seriesLabel ? "" : label)}
              className="rounded-sm bg-hover px-1 font-mono text-2xs text-ink-2 hover:text-ink aria-pressed:bg-accent-soft aria-pressed:text-accent"
            >
              {label}
            </button>
          ))}
        </p>
      )}
    </>
  );
}

const tones = {
  good: { Icon: CircleCheck, color: "text-good" },
  warn: { Icon: TriangleAlert, color: "text-warn" },
  bad: { Icon: CircleAlert, color: "text-bad" },
} as const;

function Said({ tone, children }: { tone: keyof typeof tones; children: ReactNode }) {
  const { Icon, color } = tones[tone];
  return (
    <p className={`flex items-start gap-1.5 ${color}`}>
      <Icon aria-hidden="true" className="mt-0.5 size-3 shrink-0" />
      <span className="min-w-0 break-words">{children}</span>
    </p>
  );
}

/** The text once nothing more is typed. */
function useLate(text: string): string {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return late;
}
