import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { RecoveryPage } from "./_components/recovery-page.tsx";

export const metadata: Metadata = { title: "Recovery" };

export default async function Page() {
  await readFirstData("/recovery", []);
  return <RecoveryPage />;
}
