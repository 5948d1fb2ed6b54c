import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { runbookAddress, runbookQuery } from "#lib/client/runbooks.ts";
import { getRunbook } from "#lib/domain/runbooks/queries.ts";
import { runbookRefSchema } from "#lib/domain/runbooks/schemas.ts";
import { readFirstData } from "../../../../first-data.ts";
import { RunbookPage } from "../../../_components/runbook-page.tsx";

type Parameters = { params: Promise<{ group: string; name: string }> };

export async function generateMetadata({ params }: Parameters): Promise<Metadata> {
  return { title: `Runbook: ${decodeURIComponent((await params).name)}` };
}

export default async function Page({ params }: Parameters) {
  const { group, name } = await params;
  const ref = runbookRefSchema.safeParse({ scope: "alert", group, name: decodeURIComponent(name) }).data;
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
