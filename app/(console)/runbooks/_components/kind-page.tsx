"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { kindRunbooksQuery, runbookAddress } from "#lib/client/runbooks.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Skeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { RunbookText } from "../../../ui/runbooks/runbook-text.tsx";
import { ServiceChoice, useRunbookService } from "./runbook-service.tsx";

/** All that is delivered for a kind on one page, to be read at 3 a.m.: the section that the address names stands out. */
export function KindPage({ kind }: { kind: string }) {
  const query = useQuery(kindRunbooksQuery(kind));
  const { service, candidates } = useRunbookService(kind);
  return (
    <>
      <PageHeader title={query.data?.title ?? `Runbook: ${kind}`}>
        <ServiceChoice service={service} candidates={candidates} />
        <Link href="/runbooks" className="text-accent hover:underline">
          All runbooks
        </Link>
      </PageHeader>
      <Answer of={query} what="The runbook could not be read" waiting={<Skeleton className="m-4 h-40 max-w-3xl" />}>
        {({ intro, items }) => (
          <article className="max-w-3xl space-y-6 px-4 py-4">
            <RunbookText text={intro} service={service} reason={`Runbook ${kind}`} />
            {items.map((runbook) => (
              <section
                key={runbook.name}
                id={runbook.name}
                className="scroll-mt-4 space-y-2 border-l-2 border-transparent pl-3 target:border-accent"
              >
                <h2 className="flex items-baseline gap-3 font-semibold">
                  <a href={`#${runbook.name}`} className="name hover:underline">
                    {runbook.name}
                  </a>
                  <Link
                    href={runbookAddress(runbook, service)}
                    className="text-xs font-normal text-accent hover:underline"
                    aria-label={`Open the runbook ${runbook.name}`}
                  >
                    {runbook.isDelivered ? "as delivered" : `version ${runbook.version}`}
                  </Link>
                </h2>
                <RunbookText text={runbook.text ?? ""} service={service} reason={`Runbook ${runbook.name}`} />
              </section>
            ))}
          </article>
        )}
      </Answer>
    </>
  );
}
