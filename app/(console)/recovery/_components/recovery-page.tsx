"use client";
import { useQuery } from "@tanstack/react-query";
import { isUnderWay, latestBackupsQuery } from "#lib/client/backups.ts";
import { isDrilling, latestDrillsQuery } from "#lib/client/drills.ts";
import { countOf } from "#lib/client/numbers.ts";
import { coverageQuery } from "#lib/client/recovery.ts";
import { byExposure, newestByScenario } from "#lib/client/recovery-view.ts";
import { isRestoring, latestRestoresQuery } from "#lib/client/restores.ts";
import type { Coverage } from "#lib/domain/recovery/backups/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { StartBackupButton } from "../../../ui/recovery/start-backup-button.tsx";
import { StartDrillButton } from "../../../ui/recovery/start-drill-button.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { CoverageTable } from "./coverage-table.tsx";
import { DrillTable } from "./drill-table.tsx";
import { RecoveryHeader } from "./recovery-header.tsx";
import { UnderWay } from "./under-way.tsx";

/** What would be lost now, what is being done, and how long things were away when it was tried. */
export function RecoveryPage() {
  const coverage = useQuery(coverageQuery);
  const drills = useQuery(latestDrillsQuery());
  const backups = useQuery(latestBackupsQuery()).data?.items.filter(({ state }) => isUnderWay(state)) ?? [];
  const restores = useQuery(latestRestoresQuery()).data?.items.filter(({ state }) => isRestoring(state)) ?? [];
  const running = drills.data?.items.filter(({ state }) => isDrilling(state)) ?? [];
  return (
    <>
      <RecoveryHeader aside={coverage.data && <Verdict rows={coverage.data} />}>
        <StartDrillButton />
        <StartBackupButton look="primary" />
      </RecoveryHeader>
      <UnderWay backups={backups} restores={restores} drills={running} />
      <section aria-labelledby="coverage">
        <SectionHeader id="coverage" title="Coverage" aside="what would be lost now: the age of the newest verified backup" />
        <Answer of={coverage} what="The coverage could not be read" waiting={<TableSkeleton rows={6} columns={7} />}>
          {(rows) => <CoverageTable rows={rows.toSorted(byExposure)} />}
        </Answer>
      </section>
      <section aria-labelledby="measured">
        <SectionHeader id="measured" title="Measured" aside="the newest drill of each scenario and service" />
        <Answer of={drills} what="The drills could not be read" waiting={<TableSkeleton rows={4} columns={7} />}>
          {({ items }) => (
            <DrillTable
              drills={newestByScenario(items)}
              label="Measured"
              empty={
                <Empty title="Nothing was ever tried">
                  How long each service is really away, and what it loses, is known once a drill has measured it.
                </Empty>
              }
            />
          )}
        </Answer>
      </section>
    </>
  );
}

/** How many services want somebody. */
function Verdict({ rows }: { rows: readonly Coverage[] }) {
  const held = rows.filter(({ state }) => state !== "none");
  const missing = held.filter(({ state }) => state === "missing").length;
  const stale = held.filter(({ state }) => state === "stale").length;
  if (missing + stale === 0) {
    return (
      <span className="inline-flex items-center gap-1.5">
        <StatusShape health="healthy" /> All {held.length} are fresh
      </span>
    );
  }
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 text-ink-2">
      {missing > 0 && (
        <span className="inline-flex items-center gap-1.5">
          <StatusShape health="down" /> {missing} without a backup
        </span>
      )}
      {stale > 0 && (
        <span className="inline-flex items-center gap-1.5">
          <StatusShape health="degraded" /> {stale} stale
        </span>
      )}
      <span className="text-ink-3">of {countOf(held.length, "subject")}</span>
    </span>
  );
}
