import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { backupQuery } from "#lib/client/backups.ts";
import { getBackup } from "#lib/domain/recovery/backups/queries.ts";
import { readFirstData } from "../../../first-data.ts";
import { BackupPage } from "../_components/backup-page.tsx";

export const metadata: Metadata = { title: "Backup" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const firstData = await readFirstData(`/recovery/backups/${encodeURIComponent(id)}`, [
    [backupQuery(id).queryKey, (context) => getBackup(context, id)],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <BackupPage id={id} />
    </HydrationBoundary>
  );
}
