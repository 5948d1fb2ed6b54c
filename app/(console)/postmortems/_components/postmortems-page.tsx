"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useRouter } from "next/navigation";
import { incidentName } from "#lib/client/incident-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import { type PostmortemFilter, postmortemsQuery } from "#lib/client/postmortems.ts";
import { type ListedPostmortem, listedStates } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Answer, OlderOnes } from "../../../ui/answer.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { DrillBadge, IncidentSeverity } from "../../../ui/incidents/incident-marks.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../ui/notices.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { IncidentsHeader } from "../../incidents/_components/incidents-header.tsx";
import { OwnerFilter } from "../../incidents/_components/owner-filter.tsx";
import { PostmortemState, stateWords } from "./state-mark.tsx";

const states = ["unpublished", ...listedStates, "all"] as const;
const stateName = (state: (typeof states)[number]) =>
  state === "unpublished" ? "Not published" : state === "all" ? "All" : stateWords(state);

const columns: Column<ListedPostmortem>[] = [
  {
    id: "state",
    header: "State",
    width: "w-24",
    essential: true,
    cell: ({ state }) => <PostmortemState state={state} />,
  },
  {
    id: "severity",
    header: "Severity",
    width: "w-28 max-md:w-14",
    essential: true,
    cell: ({ incident }) => <IncidentSeverity severity={incident.severity} isBare="narrow" />,
  },
  {
    id: "number",
    header: "Incident",
    width: "w-20",
    cell: ({ incident }) => <span className="font-mono text-xs text-ink-2">{incidentName(incident)}</span>,
  },
  {
    id: "title",
    header: "What was wrong",
    essential: true,
    cell: ({ incident: { title, isDrill } }) => (
      <span title={title} className="font-medium">
        {isDrill && <DrillBadge />} {title}
      </span>
    ),
  },
  {
    id: "services",
    header: "Services",
    width: "w-32",
    cell: ({ incident: { services } }) => {
      const names = services.map((service) => service.split("/")[1]).join(", ");
      return (
        <span className="name" title={services.join(", ")}>
          {names || "–"}
        </span>
      );
    },
  },
  { id: "owner", header: "Owner", width: "w-24", cell: ({ owner }) => owner ?? <span className="text-ink-3">nobody</span> },
  { id: "reviewer", header: "Review", width: "w-32", cell: (row) => <Review row={row} /> },
  {
    id: "items",
    header: "Items open",
    width: "w-24",
    align: "right",
    cell: ({ items }) => (items.all === 0 ? <span className="text-ink-3">none</span> : `${items.open} of ${items.all}`),
  },
  {
    id: "over",
    header: "Resolved",
    width: "w-28",
    align: "right",
    cell: ({ resolvedAt }) => (resolvedAt === null ? <span className="text-warn">still open</span> : <TimeAgo at={resolvedAt} />),
  },
];

function Review({ row: { state, reviewer, isApproved, openComments } }: { row: ListedPostmortem }) {
  if (isApproved || state === "published") {
    return isApproved ? (
      <span className="inline-flex items-center gap-1 text-good">
        <Check aria-hidden="true" className="size-3.5" /> approved
      </span>
    ) : null;
  }
  const comments = openComments > 0 ? countOf(openComments, "comment") : null;
  return (
    <span className="text-ink-2">
      {[state === "review" ? (reviewer ?? "anybody") : null, comments].filter(Boolean).join(", ")}
    </span>
  );
}

/** What was learned from incidents, and from which nothing has been written down yet. */
export function PostmortemsPage() {
  const router = useRouter();
  const [search, setSearch] = useUrlState();
  const state = states.find((value) => value === search.get("state")) ?? "unpublished";
  const owner = search.get("owner") ?? "";
  const filter: PostmortemFilter = { state, ...(owner && { owner }) };
  const query = useInfiniteQuery(postmortemsQuery(filter));
  const isFiltered = state !== "unpublished" || owner !== "";
  return (
    <>
      <IncidentsHeader>
        <Choice
          label="State"
          data-filter
          value={state}
          options={states.map((each) => [each, stateName(each)])}
          onChange={(next) => setSearch({ state: next === "unpublished" ? null : next })}
        />
        <OwnerFilter owner={owner} onChange={(next) => setSearch({ owner: next })} />
      </IncidentsHeader>
      <Answer
        of={query}
        what="The postmortems could not be read"
        still="Incidents and the fleet are still live."
        waiting={<TableSkeleton rows={8} columns={6} />}
      >
        {({ pages }) => (
          <DataTable
            label="Postmortems"
            columns={columns}
            rows={pages.flatMap((page) => page.items)}
            keyOf={({ incident }) => incident.id}
            nameOf={({ incident }) => `${incidentName(incident)} ${incident.title}`}
            onOpen={({ incident }) => router.push(`/incidents/${incident.id}/postmortem`)}
            empty={
              isFiltered ? (
                <NoneFits
                  thing="postmortem"
                  way="Show what is not published"
                  onClear={() => setSearch({ state: null, owner: null })}
                />
              ) : (
                <Empty title="Every postmortem is published">
                  A resolved P1 or P2 stands here until what others can learn from it is published.
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
