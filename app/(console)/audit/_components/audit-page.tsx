"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { actorWords, auditWords } from "#lib/client/action-texts.ts";
import { type AuditFilter, auditEntryQuery, auditQuery } from "#lib/client/audit.ts";
import { capital } from "#lib/client/words.ts";
import { type AuditView, outcomes } from "#lib/domain/audit-schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { ChoiceFilter } from "../../../ui/choice.tsx";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { OutcomeStatus } from "../../../ui/status.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AuditDetail } from "./audit-detail.tsx";

const spans: Record<string, { label: string; hours: number }> = {
  "1h": { label: "Last hour", hours: 1 },
  "24h": { label: "Last 24 hours", hours: 24 },
  "7d": { label: "Last 7 days", hours: 168 },
  "30d": { label: "Last 30 days", hours: 720 },
};
const filterNames = ["actor", "verb", "namespace", "target"] as const;

const columns: Column<AuditView>[] = [
  {
    id: "at",
    header: "When",
    width: "w-24",
    essential: true,
    cell: (entry) => <TimeAgo at={entry.at} className="text-ink-2" />,
  },
  {
    id: "outcome",
    header: "Outcome",
    width: "w-28",
    essential: true,
    cell: (entry) => <OutcomeStatus outcome={entry.outcome} />,
  },
  {
    id: "action",
    header: "Action",
    width: "w-96 max-lg:w-64 max-md:w-auto",
    essential: true,
    cell: (entry) => (
      <>
        {auditWords(entry)} <span className="name font-medium">{entry.target}</span>
        {entry.targetNamespace && <span className="text-ink-3"> in {entry.targetNamespace}</span>}
      </>
    ),
  },
  {
    id: "actor",
    header: "By",
    width: "w-44",
    cell: (entry) => (
      <span title={actorWords(entry)} className={cn(entry.actorKind !== "user" && "text-ink-2")}>
        {actorWords(entry)}
      </span>
    ),
  },
  {
    id: "reason",
    header: "Reason",
    cell: (entry) => (
      <span className="text-ink-2" title={entry.reason ?? undefined}>
        {entry.error ? <span className="text-bad">{entry.error.message}</span> : (entry.reason ?? "–")}
      </span>
    ),
  },
];

export function AuditPage() {
  const [search, setSearch] = useUrlState();
  const span = search.get("span") ?? "";
  const outcome = outcomes.find((candidate) => candidate === search.get("outcome"));
  const filter: AuditFilter = { search: search.get("search") ?? undefined, outcome, from: fromOf(span) };
  for (const name of filterNames) filter[name] = search.get(name) ?? undefined;
  const open = search.get("entry");
  const query = useInfiniteQuery(auditQuery(filter));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const isListed = open === null || entries.some((entry) => entry.id === open);
  const pasted = useQuery({ ...auditEntryQuery(open ?? ""), enabled: query.data !== undefined && !isListed }).data;
  const rows = pasted && !isListed ? [pasted, ...entries] : entries;
  const chosen = filterNames.filter((name) => search.get(name));
  const isFiltered = Boolean(filter.search || outcome || span || chosen.length);
  const clear = () =>
    setSearch({ search: null, outcome: null, span: null, actor: null, verb: null, namespace: null, target: null });

  return (
    <>
      <PageHeader title="Audit">
        <SearchField
          label="Search the audit"
          value={filter.search ?? ""}
          delayMs={250}
          onChange={(text) => setSearch({ search: text || null })}
          className="max-md:w-full"
        />
        <ChoiceFilter
          label="Outcome"
          every="Every outcome"
          value={outcome}
          options={outcomes.map((each) => [each, capital(each)])}
          onChange={(next) => setSearch({ outcome: next })}
        />
        <ChoiceFilter
          label="Time"
          every="All time"
          value={span}
          options={Object.entries(spans).map(([value, { label }]) => [value, label])}
          onChange={(next) => setSearch({ span: next })}
        />
      </PageHeader>
      {chosen.length > 0 && (
        <ul aria-label="Filters" className="flex flex-wrap gap-2 border-b px-4 py-1.5">
          {chosen.map((name) => (
            <li key={name}>
              <Button
                size="small"
                onClick={() => setSearch({ [name]: null })}
                aria-label={`Remove the filter ${name} ${search.get(name)}`}
              >
                {name}: {search.get(name)} ×
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Answer
        of={query}
        what="The audit could not be read"
        still="Nothing is lost: an action that cannot be written down is not done."
        waiting={<TableSkeleton rows={12} columns={5} />}
      >
        {() => (
          <DataTable
            label="Audit entries"
            columns={columns}
            rows={rows}
            keyOf={(entry) => entry.id}
            nameOf={(entry) => `${auditWords(entry)} ${entry.target} ${entry.outcome}`}
            onOpen={(entry) => setSearch({ entry: entry.id === open ? null : entry.id })}
            expanded={(entry) =>
              entry.id === open ? (
                <AuditDetail entry={entry} onFilter={(name, value) => setSearch({ [name]: value, entry: null })} />
              ) : null
            }
            empty={
              isFiltered ? (
                <NoneFits thing="entry" onClear={clear} />
              ) : (
                <Empty title="Nothing was done yet">
                  Every action, refused ones too, is written here with who, what, before, after and why.
                </Empty>
              )
            }
          />
        )}
      </Answer>
      <OlderOnes of={query} />
    </>
  );
}

/** The beginning of a span, on the minute, so that the same list is asked for again and not another one each second. */
function fromOf(span: string): string | undefined {
  const hours = spans[span]?.hours;
  if (!hours) return undefined;
  return new Date(Math.floor(Date.now() / 60_000) * 60_000 - hours * 3_600_000).toISOString();
}
