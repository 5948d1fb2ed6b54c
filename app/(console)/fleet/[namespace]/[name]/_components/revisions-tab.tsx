"use client";
import { useQuery } from "@tanstack/react-query";
import { ArrowRightLeft } from "lucide-react";
import { revisionsQuery } from "#lib/client/fleet.ts";
import type { Revision, Service } from "#lib/domain/fleet/schemas.ts";
import { useActions } from "../../../../../ui/actions/use-actions.ts";
import { Button } from "../../../../../ui/button.tsx";
import { Choice } from "../../../../../ui/choice.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../../../ui/data-table.tsx";
import { TemplateDiff } from "../../../../../ui/diff-view.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { useUrlState } from "../../../../../ui/use-url-state.ts";

export function RevisionsTab({ service }: { service: Service }) {
  const { data, error, refetch } = useQuery(revisionsQuery(service.id, service.templateHash));
  const [search, setSearch] = useUrlState();
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  if (error && !data)
    return <ErrorNotice className="m-4" what="The history could not be read" error={error} onRetry={() => refetch()} />;
  if (!data) return <TableSkeleton rows={4} columns={6} />;
  const { revisions } = data;
  const current = revisions.find((revision) => revision.current);
  const right = find(revisions, search.get("to")) ?? current ?? revisions[0];
  const left =
    find(revisions, search.get("from")) ??
    revisions.find((revision) => revision.revision < (right?.revision ?? 0)) ??
    revisions.at(-1);

  const columns: Column<Revision>[] = [
    {
      id: "revision",
      header: "Revision",
      width: "w-36 max-md:w-28",
      essential: true,
      cell: (revision) => (
        <span className="font-medium">
          {revision.revision}
          {revision.current && <span className="ml-2 rounded-full bg-accent-soft px-1.5 text-2xs text-accent">current</span>}
        </span>
      ),
    },
    {
      id: "version",
      header: "Version",
      width: "w-32 max-md:w-20",
      essential: true,
      cell: (revision) => (
        <span className="font-mono text-xs" title={revision.images.join("\n")}>
          {revision.version}
        </span>
      ),
    },
    { id: "made", header: "Made", width: "w-28", cell: (revision) => <TimeAgo at={revision.createdAt} className="text-ink-2" /> },
    { id: "instances", header: "Instances", width: "w-24", align: "right", cell: (revision) => revision.replicas },
    {
      id: "cause",
      header: "Cause",
      cell: (revision) => (
        <span title={revision.changeCause ?? undefined} className="text-ink-2">
          {revision.changeCause ?? "–"}
        </span>
      ),
    },
    {
      id: "template",
      header: "Kept in",
      width: "w-48",
      cell: (revision) => (
        <span title={revision.source} className="font-mono text-xs text-ink-3">
          {revision.source.split(" ").at(-1)}
        </span>
      ),
    },
    {
      id: "act",
      header: "",
      width: "w-44 max-md:w-36",
      align: "right",
      essential: true,
      cell: (revision) => (
        <span className="inline-flex gap-1.5">
          <Button
            size="small"
            look="ghost"
            className="max-md:hidden"
            aria-label={`Compare revision ${revision.revision} with the current one`}
            onClick={() => setSearch({ from: String(revision.revision), to: String(current?.revision ?? revision.revision) })}
          >
            Compare
          </Button>
          <Button
            size="small"
            aria-label={`Roll back to revision ${revision.revision}`}
            disabledReason={
              refusal ??
              (revision.current
                ? "This is what runs now."
                : service.paused
                  ? `${service.name} is paused: resume it first.`
                  : null)
            }
            onClick={() => actions.open({ verb: "rollback", service: service.id, values: { toRevision: revision.revision } })}
          >
            Roll back
          </Button>
        </span>
      ),
    },
  ];

  return (
    <>
      <DataTable
        label="Revisions"
        columns={columns}
        rows={revisions}
        keyOf={(revision) => String(revision.revision)}
        stickyTop="top-9"
        empty={<Empty title="No revisions yet">The first appears once the Deployment's first ReplicaSet is made.</Empty>}
      />
      {left && right && revisions.length > 1 && (
        <section aria-label="Difference">
          <SectionHeader title="Difference">
            <RevisionSelect
              label="From revision"
              revisions={revisions}
              value={left.revision}
              onChange={(from) => setSearch({ from })}
            />
            <Button
              size="icon"
              look="ghost"
              aria-label="Swap the sides"
              onClick={() => setSearch({ from: String(right.revision), to: String(left.revision) })}
            >
              <ArrowRightLeft aria-hidden="true" />
            </Button>
            <RevisionSelect
              label="To revision"
              revisions={revisions}
              value={right.revision}
              onChange={(to) => setSearch({ to })}
            />
          </SectionHeader>
          <div className="p-4">
            <TemplateDiff
              key={`${left.revision} ${right.revision}`}
              before={left.template}
              after={right.template}
              beforeTitle={`Revision ${left.revision} · ${left.version}`}
              afterTitle={`Revision ${right.revision} · ${right.version}`}
            />
          </div>
        </section>
      )}
    </>
  );
}

const find = (revisions: Revision[], text: string | null) => revisions.find((revision) => String(revision.revision) === text);

function RevisionSelect({
  label,
  revisions,
  value,
  onChange,
}: {
  label: string;
  revisions: Revision[];
  value: number;
  onChange: (value: string) => void;
}) {
  return (
    <Choice
      label={label}
      value={String(value)}
      options={revisions.map(({ revision, version, current }) => [
        String(revision),
        `${revision} · ${version}${current ? " · current" : ""}`,
      ])}
      onChange={onChange}
    />
  );
}
