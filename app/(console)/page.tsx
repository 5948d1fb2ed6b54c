import type { Metadata } from "next";
import { OverviewPage } from "./_overview/overview-page.tsx";
import { readFirstData } from "./first-data.ts";

export const metadata: Metadata = { title: "Overview" };

export default async function Page() {
  await readFirstData("/", []);
  return <OverviewPage />;
}
