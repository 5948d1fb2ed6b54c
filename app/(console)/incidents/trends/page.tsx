import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { TrendsPage } from "../_components/trends-page.tsx";

export const metadata: Metadata = { title: "Incident trends" };

export default async function Page() {
  await readFirstData("/incidents/trends", []);
  return <TrendsPage />;
}
