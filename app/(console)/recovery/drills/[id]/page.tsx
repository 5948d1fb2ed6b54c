import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { drillQuery } from "#lib/client/drills.ts";
import { getDrill } from "#lib/domain/recovery/drills/queries.ts";
import { readFirstData } from "../../../first-data.ts";
import { DrillPage } from "../_components/drill-page.tsx";

export const metadata: Metadata = { title: "Drill" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/recovery/drills/${encodeURIComponent(id)}`, [
    [drillQuery(id).queryKey, (context) => getDrill(context, id)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <DrillPage id={id} />
    </HydrationBoundary>
  );
}
