import type { Metadata } from "next";
import { readFirstData } from "../../../first-data.ts";
import { RestorePage } from "../_components/restore-page.tsx";

export const metadata: Metadata = { title: "Restore" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await readFirstData(`/recovery/restores/${encodeURIComponent(id)}`, []);
  return <RestorePage id={id} />;
}
