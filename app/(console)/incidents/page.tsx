import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { IncidentsPage } from "./_components/incidents-page.tsx";

export const metadata: Metadata = { title: "Incidents" };

export default async function Page() {
  await readFirstData("/incidents", []);
  return <IncidentsPage />;
}
