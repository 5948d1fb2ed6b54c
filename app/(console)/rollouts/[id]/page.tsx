import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { RolloutPage } from "../_components/rollout-page.tsx";

export const metadata: Metadata = { title: "Rollout" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await readFirstData(`/rollouts/${encodeURIComponent(id)}`, []);
  return <RolloutPage id={id} />;
}
