import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { latestBackupsQuery } from "#lib/client/backups.ts";
import { latestDrillsQuery } from "#lib/client/drills.ts";
import { coverageQuery } from "#lib/client/recovery.ts";
import { latestRestoresQuery } from "#lib/client/restores.ts";
import { listCoverage } from "#lib/domain/recovery/backups/coverage.ts";
import { listBackups } from "#lib/domain/recovery/backups/queries.ts";
import { listDrills } from "#lib/domain/recovery/drills/queries.ts";
import { listRestores } from "#lib/domain/recovery/restores/queries.ts";
import { readFirstData } from "../first-data.ts";
import { RecoveryPage } from "./_components/recovery-page.tsx";

export const metadata: Metadata = { title: "Recovery" };

export default async function Page() {
  const firstData = await readFirstData("/recovery", [
    [coverageQuery.queryKey, listCoverage],
    [latestDrillsQuery().queryKey, (context) => listDrills(context, { limit: 100 })],
    [latestBackupsQuery().queryKey, (context) => listBackups(context, { limit: 20 })],
    [latestRestoresQuery().queryKey, (context) => listRestores(context, { limit: 20 })],
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <RecoveryPage />
    </HydrationBoundary>
  );
}
