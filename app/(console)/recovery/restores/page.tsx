import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { RestoresPage } from "./_components/restores-page.tsx";

export const metadata: Metadata = { title: "Restores" };

export default async function Page() {
  await readFirstData("/recovery/restores", []);
  return <RestoresPage />;
}
