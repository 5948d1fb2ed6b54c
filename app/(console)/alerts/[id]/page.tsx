import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { AlertPage } from "../_components/alert-page.tsx";

export const metadata: Metadata = { title: "Alert" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await readFirstData(`/alerts/${encodeURIComponent(id)}`, []);
  return <AlertPage id={id} />;
}
