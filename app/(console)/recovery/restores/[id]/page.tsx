import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { restoreQuery } from "#lib/client/restores.ts";
import { getRestore } from "#lib/domain/recovery/restores/queries.ts";
import { readFirstData } from "../../../first-data.ts";
import { RestorePage } from "../_components/restore-page.tsx";

export const metadata: Metadata = { title: "Restore" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/recovery/restores/${encodeURIComponent(id)}`, [
    [restoreQuery(id).queryKey, (context) => getRestore(context, id)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <RestorePage id={id} />
    </HydrationBoundary>
  );
}
