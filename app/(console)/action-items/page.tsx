import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { ItemsPage } from "./_components/items-page.tsx";

export const metadata: Metadata = { title: "Action items" };

export default async function Page() {
  await readFirstData("/action-items", []);
  return <ItemsPage />;
}
