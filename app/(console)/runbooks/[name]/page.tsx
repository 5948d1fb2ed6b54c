import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { kindRunbooksQuery } from "#lib/client/runbooks.ts";
import { findDeliveredPage } from "#lib/domain/runbooks/delivered.ts";
import { getKindRunbooks } from "#lib/domain/runbooks/queries.ts";
import { readFirstData } from "../../first-data.ts";
import { KindPage } from "../_components/kind-page.tsx";

type Parameters = { params: Promise<{ name: string }> };

export async function generateMetadata({ params }: Parameters): Promise<Metadata> {
  return { title: `Runbook of ${(await params).name}` };
}

export default async function Page({ params }: Parameters) {
  const { name } = await params;
  const firstData = await readFirstData(`/runbooks/${encodeURIComponent(name)}`, [
    [kindRunbooksQuery(name).queryKey, (context) => getKindRunbooks(context, name)],
  ]);
  if (!findDeliveredPage(name)) notFound();
  return (
    <HydrationBoundary state={firstData}>
      <KindPage kind={name} />
    </HydrationBoundary>
  );
}
