import { QueryClient, QueryClientProvider, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, it, vi } from "vitest";
import { backupQuery, latestBackupsQuery, planQuery } from "#lib/client/backups.ts";
import { aDrill, aDrillDetail } from "#lib/client/drill-fixtures.ts";
import { drillQuery, latestDrillsQuery } from "#lib/client/drills.ts";
import { coverageQuery, recoverabilityQuery } from "#lib/client/recovery.ts";
import { aBackup, aBackupDetail, aCoverage, aPlan, aRecoverability, aRestore } from "#lib/client/recovery-fixtures.ts";
import { latestRestoresQuery, restoreQuery } from "#lib/client/restores.ts";
import { RecoveryProvider } from "../../../ui/recovery/recovery-provider.tsx";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { RecoveryTab } from "../../fleet/[namespace]/[name]/_components/recovery-tab.tsx";
import { BackupPage } from "../backups/_components/backup-page.tsx";
import { DrillPage } from "../drills/_components/drill-page.tsx";
import { PlanPage } from "../plans/_components/plan-page.tsx";
import { RestorePage } from "../restores/_components/restore-page.tsx";
import { RecoveryPage } from "./recovery-page.tsx";

vi.mock("next/navigation", () => ({
  usePathname: () => "/recovery",
  useRouter: () => ({ push: () => {} }),
  useSearchParams: () => new URLSearchParams(),
}));

const pageOf = <T,>(item: T) => ({ items: [item], nextCursor: null });
const known: [QueryKey, unknown][] = [
  [coverageQuery.queryKey, [aCoverage()]],
  [recoverabilityQuery("fleet/relay").queryKey, aRecoverability()],
  [latestBackupsQuery().queryKey, pageOf(aBackup())],
  [latestBackupsQuery({ subject: "fleet/relay" }).queryKey, pageOf(aBackup())],
  [latestRestoresQuery().queryKey, pageOf(aRestore())],
  [latestDrillsQuery().queryKey, pageOf(aDrill())],
  [latestDrillsQuery({ subject: "fleet/relay" }, 20).queryKey, pageOf(aDrill())],
  [backupQuery("backup-12").queryKey, aBackupDetail()],
  [restoreQuery("restore-3").queryKey, aRestore()],
  [drillQuery("drill-5").queryKey, aDrillDetail()],
  [planQuery("fleet/relay").queryKey, aPlan()],
];

it.each<[string, ReactNode, string]>([
  ["the coverage", <RecoveryPage key="page" />, "20 m"],
  ["a service's recovery", <RecoveryTab key="tab" id="fleet/relay" />, "never tried"],
  ["a backup", <BackupPage key="backup" id="backup-12" />, "Rows of documents"],
  ["a restore", <RestorePage key="restore" id="restore-3" />, "Restore PostgreSQL"],
  ["a drill", <DrillPage key="drill" id="drill-5" />, "ProbeInterrupted fired."],
  ["a plan", <PlanPage key="plan" subject="fleet/relay" />, "Backup plan of"],
])("comes from the server with what is known of %s, without any store or zone of a browser", (_, page, told) => {
  const queries = new QueryClient();
  for (const [key, answer] of known) queries.setQueryData(key, answer);
  const html = renderToString(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <RecoveryProvider>{page}</RecoveryProvider>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  expect(html).toContain(told);
  // No clock of the server's zone is among it.
  const hasClock = /\d\d:\d\d:\d\d/.test(html.replaceAll(/datetime="[^"]*"/gi, ""));
  expect(hasClock).toBe(false);
});
