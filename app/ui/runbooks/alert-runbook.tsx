"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { alertRunbookQuery, runbookAddress } from "#lib/client/runbooks.ts";
import { SectionHeader } from "../page-header.tsx";
import { RunbookText } from "./runbook-text.tsx";

/** The runbook of one alert, in place; nothing where it has none. */
export function AlertRunbook({ alert }: { alert: { id: string; name: string } }) {
  const item = useQuery(alertRunbookQuery(alert.id)).data?.item;
  if (!item) return null;
  return (
    <section aria-labelledby="runbook">
      <SectionHeader id="runbook" title="Runbook">
        <Link href={runbookAddress(item, item.service)} className="text-xs text-accent hover:underline">
          {item.version === 0 ? "as delivered" : `version ${item.version}`}
        </Link>
      </SectionHeader>
      <div className="border-b px-4 py-3">
        <RunbookText text={item.text ?? ""} service={item.service} reason={`Alert ${alert.name}`} />
      </div>
    </section>
  );
}
