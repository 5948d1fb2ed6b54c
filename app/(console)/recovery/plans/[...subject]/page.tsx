import type { Metadata } from "next";
import { readFirstData } from "../../../first-data.ts";
import { PlanPage } from "../_components/plan-page.tsx";

export const metadata: Metadata = { title: "Backup plan" };

export default async function Page({ params }: { params: Promise<{ subject: string[] }> }) {
  const subject = (await params).subject.map(decodeURIComponent).join("/");
  await readFirstData(`/recovery/plans/${subject}`, []);
  return <PlanPage subject={subject} />;
}
