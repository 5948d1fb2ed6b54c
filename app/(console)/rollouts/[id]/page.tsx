import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { rolloutDetailQuery, rolloutPreflightQuery } from "#lib/client/rollouts.ts";
import { getRolloutDetail } from "#lib/domain/rollouts/detail.ts";
import { getRolloutPreflight } from "#lib/domain/rollouts/queries.ts";
import { readFirstData } from "../../first-data.ts";
import { RolloutPage } from "../_components/rollout-page.tsx";

export const metadata: Metadata = { title: "Rollout" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/rollouts/${encodeURIComponent(id)}`, [
    [rolloutDetailQuery(id).queryKey, (context) => getRolloutDetail(context, id, {})],
    [rolloutPreflightQuery(id).queryKey, (context) => getRolloutPreflight(context, id)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <RolloutPage id={id} />
    </HydrationBoundary>
  );
}
