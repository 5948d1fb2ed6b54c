import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { RulesPage } from "../_components/rules-page.tsx";

export const metadata: Metadata = { title: "Alert rules" };

export default async function Page() {
  await readFirstData("/alerts/rules", []);
  return <RulesPage />;
}
