import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { DrillsPage } from "./_components/drills-page.tsx";

export const metadata: Metadata = { title: "Drills" };

export default async function Page() {
  await readFirstData("/recovery/drills", []);
  return <DrillsPage />;
}
