import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { FleetPage } from "./_components/fleet-page.tsx";

export const metadata: Metadata = { title: "Fleet" };

export default async function Page() {
  await readFirstData("/fleet", []);
  return <FleetPage />;
}
