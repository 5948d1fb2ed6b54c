"use client";
import { useQuery } from "@tanstack/react-query";
import { type HistoryField, type HistorySpan, type HistoryView, historySpans } from "#lib/client/alert-view.ts";
import { alertFacetsQuery } from "#lib/client/alerts.ts";
import { bySeverity } from "#lib/client/density.ts";
import { Button } from "../../../ui/button.tsx";
import { Choice, ChoiceFilter } from "../../../ui/choice.tsx";
import { Input } from "../../../ui/field.tsx";
import { FilterMenu } from "../../../ui/filter-menu.tsx";
import { Severity } from "../../../ui/severity.tsx";

const spans = Object.entries(historySpans).map(([span, { label }]) => [span as HistorySpan, label] as const);

/** The time that the history looks at. */
export function SpanSelect({ view, onChange }: { view: HistoryView; onChange: (part: Partial<HistoryView>) => void }) {
  return (
    <Choice
      label="Time"
      value={view.fixed ? "fixed" : view.span}
      options={view.fixed ? [["fixed", "Chosen time"], ...spans] : spans}
      onChange={(span) => span !== "fixed" && onChange({ span, fixed: null })}
    />
  );
}

/** What narrows the history beside the search and the time. */
export function HistoryFilters({
  view,
  onChange,
  labelProblem,
}: {
  view: HistoryView;
  onChange: (part: Partial<HistoryView>) => void;
  labelProblem: string | null;
}) {
  const facets = useQuery(alertFacetsQuery).data;
  const setList = (field: HistoryField) => (values: string[]) => onChange({ lists: { ...view.lists, [field]: values } });
  const options = (field: HistoryField, known: string[] = []) =>
    [...new Set([...known, ...view.lists[field]])].map((value) => ({ value, label: value }));
  const services = facets?.services.map((each) => each.service);
  const chips: [string, string, Partial<HistoryView>][] = [];
  if (view.fingerprint) chips.push(["fingerprint", view.fingerprint, { fingerprint: null }]);
  if (view.namespace) chips.push(["namespace", view.namespace, { namespace: null }]);
  return (
    <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
      <FilterMenu
        label="Severity"
        options={options("severity", facets?.severities ?? ["critical", "warning", "info"])
          .sort((a, b) => bySeverity(a.value, b.value))
          .map(({ value }) => ({ value, label: <Severity severity={value} /> }))}
        selected={view.lists.severity}
        onChange={setList("severity")}
      />
      <FilterMenu
        label="Service"
        options={options("service", services)}
        selected={view.lists.service}
        onChange={setList("service")}
      />
      <FilterMenu label="Name" options={options("name", facets?.names)} selected={view.lists.name} onChange={setList("name")} />
      {((facets?.sources.length ?? 0) > 1 || view.lists.source.length > 0) && (
        <FilterMenu
          label="Source"
          options={options("source", facets?.sources)}
          selected={view.lists.source}
          onChange={setList("source")}
        />
      )}
      <ChoiceFilter
        label="State"
        every="Every state"
        value={view.state}
        options={[
          ["firing", "Firing"],
          ["resolved", "Resolved"],
        ]}
        onChange={(state) => onChange({ state })}
      />
      <ChoiceFilter
        label="Acknowledged"
        every="Taken or not"
        value={view.acknowledged}
        options={[
          ["yes", "Acknowledged"],
          ["no", "Never acknowledged"],
        ]}
        onChange={(acknowledged) => onChange({ acknowledged })}
      />
      <LabelsField value={view.labels} problem={labelProblem} onChange={(labels) => onChange({ labels })} />
      {chips.map(([name, value, without]) => (
        <Button key={name} size="small" onClick={() => onChange(without)} aria-label={`Remove the filter ${name} ${value}`}>
          {name}: <span className="font-mono">{value}</span> ×
        </Button>
      ))}
    </div>
  );
}

/** Matchers are complete only when they are: they are told on Enter and on leaving the field. */
function LabelsField({ value, problem, onChange }: { value: string; problem: string | null; onChange: (text: string) => void }) {
  const tell = (text: string) => text.trim() !== value && onChange(text.trim());
  return (
    <span className="relative">
      <Input
        key={value}
        aria-label="Labels"
        aria-invalid={problem ? true : undefined}
        title={problem ?? 'Matchers as Alertmanager writes them, by commas; Enter applies them: pod=~"relay-.*",team!="core"'}
        placeholder={'Labels: pod=~"relay-.*"'}
        defaultValue={value}
        onBlur={(event) => tell(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") tell(event.currentTarget.value);
        }}
        className="h-7 w-52 font-mono text-xs"
      />
      {problem && (
        <span
          role="alert"
          className="absolute left-0 top-full z-10 mt-0.5 w-max max-w-80 rounded-md border bg-raised px-2 py-1 text-xs text-bad shadow-float"
        >
          {problem}
        </span>
      )}
    </span>
  );
}
