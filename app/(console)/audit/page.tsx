import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { AuditPage } from "./_components/audit-page.tsx";

export const metadata: Metadata = { title: "Audit" };

export default async function Page() {
  await readFirstData("/audit", []);
  return <AuditPage />;
}
