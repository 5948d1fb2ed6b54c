"use client";
import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { incidentName } from "#lib/client/incident-view.ts";
import { incidentRunbooksQuery, runbookAddress } from "#lib/client/runbooks.ts";
import type { IncidentView } from "#lib/domain/incidents/schemas.ts";
import { anyGroup, type NeededRunbook } from "#lib/domain/runbooks/schemas.ts";
import { Answer } from "../answer.tsx";
import { cn } from "../class-names.ts";
import { Skeleton } from "../notices.tsx";
import { SectionHeader } from "../page-header.tsx";
import { RunbookText } from "./runbook-text.tsx";

type Props = { incident: Pick<IncidentView, "id" | "number" | "title"> };

/** What to do now: the runbooks of the incident's alerts, then of its services, with buttons that work. */
export function IncidentRunbooks({ incident }: Props) {
  const query = useQuery(incidentRunbooksQuery(incident.id));
  const reason = `${incidentName(incident)}: ${incident.title}`;
  return (
    <section aria-labelledby="runbooks">
      <SectionHeader id="runbooks" title="Runbooks" aside="what to do, with buttons that do it after a preview" />
      <Answer of={query} what="The runbooks could not be read" waiting={<Skeleton className="mx-4 my-3 h-16" />}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="border-b px-4 py-2 text-ink-3">
              None of its alerts has a runbook, and it concerns no service.{" "}
              <Link href="/runbooks" className="text-accent hover:underline">
                See all runbooks
              </Link>
            </p>
          ) : (
            <ul>
              {items.map((runbook, index) => (
                <Needed
                  key={`${runbookAddress(runbook, runbook.service)}`}
                  runbook={runbook}
                  reason={reason}
                  isFirst={index === 0}
                />
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}

function Needed({ runbook, reason, isFirst }: { runbook: NeededRunbook; reason: string; isFirst: boolean }) {
  // What stands first may change while somebody reads: what is open stays open.
  const [isOpen, setOpen] = useState(isFirst);
  const { name, service, scope, group, isFiring, version, text } = runbook;
  return (
    <li className="border-b">
      <div className="flex items-center gap-2 px-4 hover:bg-hover">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="flex min-h-8 min-w-0 flex-1 items-center gap-2 py-1 text-left"
        >
          <ChevronRight
            aria-hidden="true"
            className={cn("size-3.5 shrink-0 text-ink-3 transition-transform", isOpen && "rotate-90")}
          />
          <span className="name truncate font-medium">{name}</span>
          <span className="min-w-0 truncate text-xs text-ink-3" title={service ?? undefined}>
            {scope === "service" ? "the service's" : (service?.split("/")[1] ?? (group === anyGroup ? "" : group))}
            {isFiring && " · fires now"}
          </span>
        </button>
        <Link
          href={runbookAddress(runbook, service)}
          className="shrink-0 text-xs text-accent hover:underline"
          aria-label={`Open the runbook ${name}`}
        >
          {version === 0 ? "as delivered" : `version ${version}`}
        </Link>
      </div>
      {isOpen && (
        <div className="px-4 pb-3 pl-9.5">
          <RunbookText text={text ?? ""} service={service} reason={reason} topLevel={4} />
        </div>
      )}
    </li>
  );
}
