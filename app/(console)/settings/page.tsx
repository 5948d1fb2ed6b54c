import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { SettingsPage } from "./_components/settings-page.tsx";

export const metadata: Metadata = { title: "Settings" };

export default async function Page() {
  await readFirstData("/settings", []);
  return <SettingsPage />;
}
