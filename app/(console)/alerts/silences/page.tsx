import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { SilencesPage } from "../_components/silences-page.tsx";

export const metadata: Metadata = { title: "Silences" };

export default async function Page() {
  await readFirstData("/alerts/silences", []);
  return <SilencesPage />;
}
