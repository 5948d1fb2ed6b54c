import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { RolloutsPage } from "./_components/rollouts-page.tsx";

export const metadata: Metadata = { title: "Rollouts" };

export default async function Page() {
  await readFirstData("/rollouts", []);
  return <RolloutsPage />;
}
