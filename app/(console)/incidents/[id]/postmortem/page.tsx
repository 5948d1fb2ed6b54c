import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { postmortemFactsQuery, postmortemQuery } from "#lib/client/postmortems.ts";
import { getPostmortemFacts } from "#lib/domain/incidents/postmortem/facts.ts";
import { getPostmortem } from "#lib/domain/incidents/postmortem/stored.ts";
import { readFirstData } from "../../../first-data.ts";
import { PostmortemPage } from "./_components/postmortem-page.tsx";

export const metadata: Metadata = { title: "Postmortem" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/incidents/${encodeURIComponent(id)}/postmortem`, [
    [postmortemQuery(id).queryKey, (context) => getPostmortem(context, id)],
    [postmortemFactsQuery(id).queryKey, (context) => getPostmortemFacts(context, id)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <PostmortemPage id={id} />
    </HydrationBoundary>
  );
}
