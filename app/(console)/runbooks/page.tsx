import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { RunbooksPage } from "./_components/runbooks-page.tsx";

export const metadata: Metadata = { title: "Runbooks" };

export default async function Page() {
  await readFirstData("/runbooks", []);
  return <RunbooksPage />;
}
