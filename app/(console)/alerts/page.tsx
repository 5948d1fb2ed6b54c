import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { LivePage } from "./_components/live-page.tsx";

export const metadata: Metadata = { title: "Alerts" };

export default async function Page() {
  await readFirstData("/alerts", []);
  return <LivePage />;
}
