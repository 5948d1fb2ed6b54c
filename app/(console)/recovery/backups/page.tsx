import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { BackupsPage } from "./_components/backups-page.tsx";

export const metadata: Metadata = { title: "Backups" };

export default async function Page() {
  await readFirstData("/recovery/backups", []);
  return <BackupsPage />;
}
