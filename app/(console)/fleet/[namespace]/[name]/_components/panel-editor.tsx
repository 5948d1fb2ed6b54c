"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type FormEvent, useEffect, useId, useState } from "react";
import { problemOf } from "#lib/client/api.ts";
import { changePanel, createPanel, expressionCheckQuery, metricNamesQuery, type PanelFields } from "#lib/client/metrics.ts";
import { draftOf, mostQueries, type PanelDraft, readDraft, withoutQuery, withQuery } from "#lib/client/panel-draft.ts";
import type { TimeRange } from "#lib/client/time-range.ts";
import { type Panel, panelStyles, units } from "#lib/domain/metrics/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { Field, Input, Select } from "../../../../../ui/field.tsx";
import { FormFooter } from "../../../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { useStored } from "../../../../../ui/use-stored.ts";
import { PanelConflict } from "./panel-conflict.tsx";
import { usePanelsChanged } from "./panel-menu.tsx";
import { PanelPreview } from "./panel-preview.tsx";
import { QueryField } from "./panel-query-field.tsx";

type Properties = { id: string; panel: Panel | null; range: TimeRange; onClose: () => void };

const unitNames: Record<Panel["unit"], string> = {
  "per-second": "per second",
  ratio: "ratio (0.01 is 1 %)",
  seconds: "seconds",
  count: "count",
  bytes: "bytes",
  cores: "cores",
};
const styleNames: Record<Panel["style"], string> = {
  lines: "lines",
  percentiles: "percentiles",
  stacked: "stacked areas",
};

/** Writes a chart for one service: a new one, or one in the place of what its kind has. */
export function PanelEditor({ id, panel, range, onClose }: Properties) {
  const formId = useId();
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const onSettled = usePanelsChanged(id);
  const [stored, setStored] = useStored(`chart ${id} ${panel ? `${panel.id} ${panel.version}` : "new"}`);
  const [draft, setDraft] = useState<PanelDraft>(() => (stored ? (JSON.parse(stored) as PanelDraft) : draftOf(panel)));
  const [wasSubmitted, setWasSubmitted] = useState(false);
  /** The chart that is changed: the one that was opened, or the present one after somebody else's change. */
  const [base, setBase] = useState(panel);
  const names = useQuery(metricNamesQuery(id)).data?.names ?? noNames;
  const { fields, errors } = readDraft(draft);
  const settled = useSettled(fields);

  const change = (next: PanelDraft) => {
    setDraft(next);
    setStored(JSON.stringify(next));
  };
  const save = useMutation({
    mutationFn: (values: PanelFields) =>
      base?.panelId
        ? changePanel(id, base.panelId, { ...values, version: base.version })
        : createPanel(id, { ...values, replaces: base?.id ?? null }),
    onSuccess: () => {
      setStored("");
      onClose();
    },
    onSettled,
  });
  const problem = problemOf(save.error);
  const isConflict = base !== null && (problem?.code === "stale" || problem?.code === "not-found");
  const begin = (from: Panel | null) => {
    save.reset();
    setBase(from);
  };
  const shown = { ...(wasSubmitted ? errors : null), ...problem?.fields };
  const title = panel ? `Edit ${panel.title}` : "Add a chart";
  const sentence = panel ? `Save ${draft.title.trim() || "the chart"}` : `Add ${draft.title.trim() || "the chart"}`;
  const bad = draft.queries.findIndex(
    ({ expr }) => queries.getQueryData(expressionCheckQuery(id, expr).queryKey)?.isGood === false,
  );

  const hindrance = isConflict
    ? "Choose first: keep yours, or take the present chart."
    : bad !== -1
      ? `Mend expression ${bad + 1} first: Prometheus would refuse it.`
      : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (fields && !refusal && !hindrance && !save.isPending) save.mutate(fields);
  };

  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={title}
      description={effectOf(id, panel)}
      footer={
        <>
          {stored && (
            <Button
              look="ghost"
              className="mr-auto"
              onClick={() => {
                setStored("");
                setDraft(draftOf(panel));
              }}
            >
              Start over
            </Button>
          )}
          <FormFooter onClose={onClose} form={formId} busy={save.isPending} disabledReason={refusal ?? hindrance}>
            {sentence}
          </FormFooter>
        </>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4" noValidate>
        <div className="grid grid-cols-2 gap-3 items-start sm:grid-cols-[1fr_11rem_11rem]">
          <div className="col-span-2 sm:col-span-1">
            <Field label="Title" errors={shown.title}>
              {(ties) => (
                <Input {...ties} value={draft.title} onChange={(event) => change({ ...draft, title: event.target.value })} />
              )}
            </Field>
          </div>
          <Field label="Unit" errors={shown.unit}>
            {(ties) => (
              <Select
                {...ties}
                value={draft.unit}
                onChange={(event) => change({ ...draft, unit: event.target.value as Panel["unit"] })}
              >
                {units.map((unit) => (
                  <option key={unit} value={unit}>
                    {unitNames[unit]}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="Style" errors={shown.style}>
            {(ties) => (
              <Select
                {...ties}
                value={draft.style}
                onChange={(event) => change({ ...draft, style: event.target.value as Panel["style"] })}
              >
                {panelStyles.map((style) => (
                  <option key={style} value={style}>
                    {styleNames[style]}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        {draft.queries.map((query, index) => (
          <QueryField
            key={query.key}
            id={id}
            index={index}
            query={query}
            metricNames={names}
            errors={shown[`queries.${index}.expr`]}
            onChange={(next) => change({ ...draft, queries: draft.queries.map((each) => (each.key === next.key ? next : each)) })}
            onRemove={draft.queries.length > 1 ? () => change(withoutQuery(draft, query.key)) : null}
            onLabel={(seriesLabel) => change({ ...draft, seriesLabel })}
            seriesLabel={draft.seriesLabel}
          />
        ))}
        <div className="-mt-2">
          <Button
            size="small"
            look="ghost"
            disabledReason={draft.queries.length >= mostQueries ? `At most ${mostQueries} expressions in one chart.` : null}
            onClick={() => change(withQuery(draft))}
          >
            <Plus aria-hidden="true" /> Another expression
          </Button>
        </div>
        <div className="grid grid-cols-2 items-start gap-3 sm:grid-cols-3">
          <Field label="Name series by label" errors={shown.seriesLabel} hint="Empty: by the expression's name.">
            {(ties) => (
              <Input
                {...ties}
                placeholder="pod"
                value={draft.seriesLabel}
                onChange={(event) => change({ ...draft, seriesLabel: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Limit"
            errors={shown["limit.value"] ?? shown.limit}
            hint={`Drawn as a line; in ${unitNames[draft.unit]}.`}
          >
            {(ties) => (
              <Input
                {...ties}
                inputMode="decimal"
                placeholder="none"
                value={draft.limitValue}
                onChange={(event) => change({ ...draft, limitValue: event.target.value })}
              />
            )}
          </Field>
          <Field label="What the limit is" errors={shown["limit.label"]}>
            {(ties) => (
              <Input
                {...ties}
                placeholder="alert at 1 %"
                value={draft.limitLabel}
                onChange={(event) => change({ ...draft, limitLabel: event.target.value })}
              />
            )}
          </Field>
        </div>
        <PanelPreview id={id} fields={settled} range={range} />
        {isConflict ? (
          <PanelConflict
            id={id}
            base={base}
            draft={draft}
            range={range}
            error={save.error}
            onKeep={begin}
            onTake={(present) => {
              begin(present);
              change(draftOf(present));
            }}
          />
        ) : (
          save.error && <ErrorNotice what={`${sentence}: not done`} error={save.error} />
        )}
      </form>
    </Dialog>
  );
}

const noNames: readonly string[] = [];

function effectOf(id: string, panel: Panel | null): string {
  const name = id.split("/")[1] ?? id;
  if (!panel) return `Everybody sees it on ${name}, and on no other service.`;
  if (panel.origin === "kind") return `On ${name} it takes the place of the chart of its kind, which can be brought back.`;
  return `Everybody sees the change on ${name}.`;
}

const settleMs = 600;

/** What was typed last, once nothing more is typed. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  const text = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(text) as T), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
