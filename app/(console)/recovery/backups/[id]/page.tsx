import type { Metadata } from "next";
import { readFirstData } from "../../../first-data.ts";
import { BackupPage } from "../_components/backup-page.tsx";

export const metadata: Metadata = { title: "Backup" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await readFirstData(`/recovery/backups/${encodeURIComponent(id)}`, []);
  return <BackupPage id={id} />;
}
