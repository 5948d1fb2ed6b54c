"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleDashed, ExternalLink, Hourglass, type LucideIcon, Siren, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { historyAddress } from "#lib/client/alert-view.ts";
import { rulesQuery } from "#lib/client/alerts.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { RulesAnswer, RuleView } from "#lib/domain/alerts/schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { Answer } from "../../../ui/answer.tsx";
import { buttonLook } from "../../../ui/button.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { FilterMenu } from "../../../ui/filter-menu.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";
import { Empty, ErrorNotice, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { Severity, severityColor } from "../../../ui/severity.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AlertsHeader } from "./alerts-header.tsx";

const stateWords = ["firing", "pending", "inactive", "failing"] as const;
type RuleState = (typeof stateWords)[number];

/** The rules as Prometheus last evaluated them. */
export function RulesPage() {
  const [search, setSearch] = useUrlState();
  const text = search.get("q") ?? "";
  const states = stateWords.filter((state) => (search.get("state") ?? "").split(",").includes(state));
  const isRecording = search.get("type") === "recording";
  const open = search.get("rule");
  const query = useQuery(
    rulesQuery({
      type: isRecording ? "recording" : "alerting",
      ...(text ? { search: text } : {}),
      ...(states.length > 0 ? { state: states.join(",") } : {}),
    }),
  );
  const { data } = query;
  return (
    <>
      <AlertsHeader aside={data ? <Counts answer={data} isRecording={isRecording} /> : null}>
        <SearchField
          label="Filter rules"
          value={text}
          onChange={(next) => setSearch({ q: next || null })}
          className="max-md:order-last max-md:w-full"
        />
        {!isRecording && (
          <FilterMenu
            label="State"
            options={stateWords.map((state) => ({ value: state, label: <StateMark state={state} /> }))}
            selected={states}
            onChange={(chosen) => setSearch({ state: chosen.join(",") || null })}
          />
        )}
        <Choice
          label="Type"
          value={isRecording ? "recording" : "alerting"}
          options={[
            ["alerting", "Alerting rules"],
            ["recording", "Recording rules"],
          ]}
          onChange={(type) => setSearch({ type: type === "recording" ? type : null, state: null })}
        />
      </AlertsHeader>
      {data?.problem && (
        <ErrorNotice
          className="m-4"
          what={data.at ? "Prometheus does not answer: these rules are old" : "Prometheus' rules are not known"}
          error={new Error(data.problem)}
          since={data.at ? Date.parse(data.at) : undefined}
          still="Alerts that it sent before are still listed."
          onRetry={() => query.refetch()}
        />
      )}
      <Answer
        of={query}
        what="The rules could not be read"
        still="Firing alerts and their history still answer."
        waiting={<TableSkeleton rows={10} columns={6} />}
      >
        {(answer) => (
          <DataTable
            label="Rules"
            columns={columns.filter((column) => !isRecording || !alertingOnly.has(column.id))}
            rows={answer.items}
            keyOf={(rule) => rule.id}
            nameOf={(rule) => `${rule.name} ${stateOf(rule)}`}
            onOpen={(rule) => setSearch({ rule: rule.id === open ? null : rule.id })}
            expanded={(rule) => (rule.id === open ? <RuleDetail rule={rule} prometheusUrl={answer.prometheusUrl} /> : null)}
            note={(rule) => rule.lastError && <p className="-mt-1 break-words text-bad">{rule.lastError}</p>}
            stickyTop="top-9"
            empty={
              text || states.length > 0 ? (
                <NoneFits thing="rule" onClear={() => setSearch({ q: null, state: null })} />
              ) : (
                <Empty title={isRecording ? "Prometheus records no rules" : "Prometheus evaluates no alerting rules"}>
                  Rules stand beside each daemon; load them into Prometheus and they appear here with their state.
                </Empty>
              )
            }
          />
        )}
      </Answer>
    </>
  );
}

const alertingOnly = new Set(["state", "severity", "for", "active"]);
const stateOf = (rule: RuleView): RuleState => (rule.health === "err" ? "failing" : (rule.state ?? "inactive"));

const looks: Record<RuleState, { word: string; color: string; icon: LucideIcon }> = {
  firing: { word: "Firing", color: "text-bad", icon: Siren },
  pending: { word: "Pending", color: "text-warn", icon: Hourglass },
  inactive: { word: "Inactive", color: "text-good", icon: CircleCheck },
  failing: { word: "Failing", color: "text-bad", icon: TriangleAlert },
};

/** A rule's state as word, shape and colour; one that was never evaluated is unknown and not inactive. */
function StateMark({ state, color: own, isUnknown = false }: { state: RuleState; color?: string; isUnknown?: boolean }) {
  const { word, color, icon: Icon } = isUnknown ? { word: "Unknown", color: "text-quiet", icon: CircleDashed } : looks[state];
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", (state === "firing" && own) || color)}>
      <Icon aria-hidden="true" className="size-3.5 shrink-0" />
      {word}
    </span>
  );
}

function Counts({ answer, isRecording }: { answer: RulesAnswer; isRecording: boolean }) {
  const failing = answer.items.filter((rule) => rule.health === "err").length;
  return (
    <>
      {countOf(answer.items.length, isRecording ? "recording rule" : "rule")}
      {failing > 0 && <span className="text-bad">, {failing} failing</span>}
      {answer.at && (
        <>
          , asked <TimeAgo at={answer.at} />
        </>
      )}
    </>
  );
}

const columns: Column<RuleView>[] = [
  {
    id: "state",
    header: "State",
    width: "w-28",
    essential: true,
    cell: (rule) => (
      <Tint value={stateOf(rule)}>
        <StateMark
          state={stateOf(rule)}
          color={severityColor(rule.labels.severity ?? "none")}
          isUnknown={rule.health === "unknown"}
        />
      </Tint>
    ),
  },
  {
    id: "name",
    header: "Rule",
    width: "w-64 max-md:w-auto",
    essential: true,
    cell: (rule) => (
      <span className="name font-medium" title={rule.annotations.summary ?? rule.name}>
        {rule.name}
      </span>
    ),
  },
  {
    id: "severity",
    header: "Severity",
    width: "w-26",
    cell: (rule) => <Severity severity={rule.labels.severity ?? "none"} />,
  },
  { id: "group", header: "Group", width: "w-36", cell: (rule) => <span title={rule.file}>{rule.group}</span> },
  {
    id: "query",
    header: "Query",
    cell: (rule) => (
      <span className="font-mono text-xs text-ink-2" title={rule.query}>
        {rule.query}
      </span>
    ),
  },
  {
    id: "for",
    header: "For",
    width: "w-20",
    align: "right",
    cell: (rule) =>
      rule.forSeconds === 0 ? <span className="text-ink-3">at once</span> : formatDuration(rule.forSeconds * 1000),
  },
  {
    id: "active",
    header: "Active",
    width: "w-20",
    align: "right",
    cell: (rule) => (
      <span
        title={`${rule.firing} firing, ${rule.pending} pending`}
        className={cn(rule.firing + rule.pending === 0 && "text-ink-3")}
      >
        {rule.firing + rule.pending}
      </span>
    ),
  },
  {
    id: "evaluated",
    header: "Evaluated",
    width: "w-24",
    align: "right",
    essential: true,
    cell: (rule) =>
      rule.lastEvaluation ? (
        <TimeAgo at={rule.lastEvaluation} className="text-ink-2" />
      ) : (
        <span className="text-ink-3">never</span>
      ),
  },
];

/** Where Prometheus' own page shows an expression, drawn over the last hour. */
const queryAddress = (prometheus: string, expression: string) =>
  `${prometheus.replace(/\/$/, "")}/graph?g0.expr=${encodeURIComponent(expression)}&g0.tab=0&g0.range_input=1h`;

function RuleDetail({ rule, prometheusUrl }: { rule: RuleView; prometheusUrl: string | null }) {
  const facts: [string, string][] = [
    ["File", rule.file],
    ["Group", rule.group],
    ["Keeps firing for", rule.keepFiringForSeconds > 0 ? formatDuration(rule.keepFiringForSeconds * 1000) : "not at all"],
    ["Evaluation takes", rule.evaluationSeconds === null ? "not known" : formatDuration(rule.evaluationSeconds * 1000)],
    ...Object.entries(rule.labels).map(([name, value]): [string, string] => [`label ${name}`, value]),
    ...Object.entries(rule.annotations).map(([name, value]): [string, string] => [name, value]),
  ];
  return (
    <div className="grid gap-3 whitespace-normal px-4 py-3">
      <pre className="scroll-thin overflow-x-auto whitespace-pre-wrap break-words rounded-md border bg-canvas px-3 py-2 text-xs">
        {rule.query}
      </pre>
      <p className="flex flex-wrap items-center gap-1.5">
        <CopyButton text={rule.query} label="Copy the query" className={buttonLook()}>
          Copy the query
        </CopyButton>
        {prometheusUrl && (
          <a href={queryAddress(prometheusUrl, rule.query)} target="_blank" rel="noreferrer noopener" className={buttonLook()}>
            <ExternalLink aria-hidden="true" /> Open in Prometheus
          </a>
        )}
        {rule.type === "alerting" && (
          <>
            <Link href={`/alerts?q=${encodeURIComponent(rule.name)}`} className={buttonLook({ look: "ghost" })}>
              Its firing alerts
            </Link>
            <Link href={historyAddress({ name: rule.name })} className={buttonLook({ look: "ghost" })}>
              Its history
            </Link>
          </>
        )}
      </p>
      <dl className="grid gap-x-3 gap-y-0.5 md:grid-cols-[9rem_minmax(0,1fr)]">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="truncate text-ink-3">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
