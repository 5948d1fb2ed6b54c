"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type FormEvent, useState } from "react";
import { runbookAddress, runbooksQuery } from "#lib/client/runbooks.ts";
import { anyGroup, type RunbookRow, runbookScopes } from "#lib/domain/runbooks/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { ChoiceFilter } from "../../../ui/choice.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Input } from "../../../ui/field.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentsHeader } from "../../incidents/_components/incidents-header.tsx";

const scopeNames = { alert: "For alerts", service: "For services" } as const;

/** What to do when something is wrong: by alert, and by service. */
export function RunbooksPage() {
  const [search, setSearch] = useUrlState();
  const scope = runbookScopes.find((each) => each === search.get("scope"));
  const words = search.get("q") ?? "";
  const query = useInfiniteQuery(runbooksQuery({ scope, search: words || undefined }));
  return (
    <>
      <IncidentsHeader>
        <SearchField label="Filter runbooks" value={words} onChange={(text) => setSearch({ q: text || null })} />
        <ChoiceFilter
          label="For"
          every="For all"
          value={scope}
          options={runbookScopes.map((each) => [each, scopeNames[each]])}
          onChange={(next) => setSearch({ scope: next })}
        />
      </IncidentsHeader>
      <Answer
        of={query}
        what="The runbooks could not be read"
        still="Incidents and the fleet are still live."
        waiting={<TableSkeleton rows={10} columns={4} />}
      >
        {({ pages }) => <Rows rows={pages.flatMap(({ items }) => items)} words={words} />}
      </Answer>
      <OlderOnes of={query} />
      <NewRunbook />
    </>
  );
}

function Rows({ rows, words }: { rows: RunbookRow[]; words: string }) {
  if (rows.length === 0) return <Empty title={words ? `No runbook has ${words} in its name` : "There are no runbooks yet"} />;
  return (
    <table className="w-full table-fixed">
      <thead className="text-left text-xs text-ink-3">
        <tr className="h-8 border-b">
          <th className="px-4 font-medium">Runbook</th>
          <th className="w-40 px-2 font-medium max-sm:w-28">Of</th>
          <th className="w-48 px-2 font-medium max-md:hidden">Version</th>
          <th className="w-40 px-2 font-medium max-md:hidden">Changed</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={runbookAddress(row)} className="h-8 border-b hover:bg-hover">
            <td className="truncate px-4">
              <Link href={runbookAddress(row)} className="name font-medium hover:text-accent hover:underline">
                {row.name}
              </Link>
            </td>
            <td className="truncate px-2 text-ink-2">
              <Of row={row} />
            </td>
            <td className="truncate px-2 text-ink-2 tabular-nums max-md:hidden">
              {row.isDelivered ? "as delivered" : `version ${row.version}`}
            </td>
            <td className="truncate px-2 text-ink-2 max-md:hidden">
              {row.at && (
                <>
                  <TimeAgo at={row.at} /> by {row.by}
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Of({ row: { scope, group } }: { row: RunbookRow }) {
  const [what, of] = scope === "service" ? ["service in", group] : ["alert of", group === anyGroup ? "any kind" : group];
  return (
    <>
      <span className="max-sm:sr-only">{what}</span> {of}
    </>
  );
}

/** An alert whose rule comes from elsewhere has no runbook until somebody writes it. */
function NewRunbook() {
  const [name, setName] = useState("");
  const address = runbookAddress({ scope: "alert", group: anyGroup, name: name.trim() });
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) window.location.assign(address);
  };
  return (
    <form onSubmit={open} className="flex flex-wrap items-center gap-2 px-4 py-4 text-ink-2">
      <label htmlFor="new-runbook">Write one for another alert:</label>
      <Input
        id="new-runbook"
        value={name}
        onChange={({ target }) => setName(target.value)}
        placeholder="Its alertname"
        className="h-7 w-56"
        pattern="[A-Za-z0-9_]([\-A-Za-z0-9_.:]*[A-Za-z0-9_])?"
        title="The alert's name as its rule has it: letters, digits, dashes, dots."
      />
      <Button type="submit">Open</Button>
    </form>
  );
}
