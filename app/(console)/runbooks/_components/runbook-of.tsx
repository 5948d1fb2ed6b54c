import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { runbookAddress, runbookQuery } from "#lib/client/runbooks.ts";
import { getRunbook } from "#lib/domain/runbooks/queries.ts";
import { type RunbookRef, runbookRefSchema } from "#lib/domain/runbooks/schemas.ts";
import { readFirstData } from "../../first-data.ts";
import { RunbookPage } from "./runbook-page.tsx";

export type RunbookParameters = { params: Promise<{ group: string; name: string }> };

export async function runbookMetadata({ params }: RunbookParameters): Promise<Metadata> {
  return { title: `Runbook: ${decodeURIComponent((await params).name)}` };
}

/**
 * The page of a runbook of one scope. Each scope is a folder of its own: a folder [scope] cannot stand beside [name], which has all
 * of a kind.
 */
export async function RunbookOf({ scope, params }: RunbookParameters & Pick<RunbookRef, "scope">) {
  const { group, name } = await params;
  const ref = runbookRefSchema.safeParse({ scope, group, name: decodeURIComponent(name) }).data;
  if (!ref) notFound();
  const firstData = await readFirstData(runbookAddress(ref), [
    [runbookQuery(ref).queryKey, (context) => getRunbook(context, ref)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <RunbookPage runbookRef={ref} />
    </HydrationBoundary>
  );
}
