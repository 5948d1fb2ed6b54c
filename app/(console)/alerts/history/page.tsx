import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { AlertHistoryPage } from "../_components/history-page.tsx";

export const metadata: Metadata = { title: "Alert history" };

export default async function Page() {
  await readFirstData("/alerts/history", []);
  return <AlertHistoryPage />;
}
