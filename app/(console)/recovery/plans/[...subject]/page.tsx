import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { planQuery } from "#lib/client/backups.ts";
import { getPlan } from "#lib/domain/recovery/backups/plans.ts";
import { readFirstData } from "../../../first-data.ts";
import { PlanPage } from "../_components/plan-page.tsx";

export const metadata: Metadata = { title: "Backup plan" };

export default async function Page({ params }: { params: Promise<{ subject: string[] }> }) {
  const subject = (await params).subject.map(decodeURIComponent).join("/");
  const firstData = await readFirstData(`/recovery/plans/${subject}`, [
    [planQuery(subject).queryKey, (context) => getPlan(context, subject)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <PlanPage subject={subject} />
    </HydrationBoundary>
  );
}
