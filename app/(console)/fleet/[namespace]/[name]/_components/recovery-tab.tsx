"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { latestBackupsQuery, planQuery } from "#lib/client/backups.ts";
import { latestDrillsQuery } from "#lib/client/drills.ts";
import { recoverabilityQuery } from "#lib/client/recovery.ts";
import { contentsWords, planAddress, retentionWords } from "#lib/client/recovery-view.ts";
import { scheduleWords } from "#lib/client/schedule-view.ts";
import { Answer } from "../../../../../ui/answer.tsx";
import { Empty, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { RecoverabilityCard } from "../../../../../ui/recovery/recoverability-card.tsx";
import { StartBackupButton } from "../../../../../ui/recovery/start-backup-button.tsx";
import { DrillTable } from "../../../../recovery/_components/drill-table.tsx";
import { BackupTable } from "../../../../recovery/backups/_components/backup-table.tsx";

/** What would be lost of a service now, how it is backed up, and how long it was away when that was tried. */
export function RecoveryTab({ id }: { id: string }) {
  const standing = useQuery(recoverabilityQuery(id));
  const backups = useQuery(latestBackupsQuery({ subject: id }));
  const drills = useQuery(latestDrillsQuery({ subject: id }, 20));
  return (
    <>
      <section aria-labelledby="recoverability">
        <SectionHeader id="recoverability" title="Recoverability" aside="measured, beside the objectives">
          <StartBackupButton subject={id} look="primary" />
        </SectionHeader>
        <Answer of={standing} what="The recoverability could not be read" waiting={<TableSkeleton rows={5} columns={5} />}>
          {(answer) => <RecoverabilityCard standing={answer} />}
        </Answer>
      </section>
      <section aria-labelledby="backups">
        <SectionHeader id="backups" title="Backups" aside={<PlanWords id={id} />}>
          <All href={`/recovery/backups?subject=${id}`} />
        </SectionHeader>
        <Answer of={backups} what="The backups could not be read" waiting={<TableSkeleton rows={4} columns={7} />}>
          {({ items }) => (
            <BackupTable
              backups={items}
              empty={
                <Empty title="No backups yet" className="py-6">
                  Make one now, or let{" "}
                  <Link href={planAddress(id)} className="text-accent hover:underline">
                    a plan
                  </Link>{" "}
                  make them.
                </Empty>
              }
            />
          )}
        </Answer>
      </section>
      <section aria-labelledby="drills">
        <SectionHeader id="drills" title="Drills">
          <All href={`/recovery/drills?subject=${id}`} />
        </SectionHeader>
        <Answer of={drills} what="The drills could not be read" waiting={<TableSkeleton rows={3} columns={7} />}>
          {({ items }) => <DrillTable drills={items} empty={<Empty title="Nothing was ever tried" className="py-6" />} />}
        </Answer>
      </section>
    </>
  );
}

const All = ({ href }: { href: string }) => (
  <Link href={href} className="text-accent hover:underline">
    See all
  </Link>
);

/** The plan in a line, as the way to its editor. */
function PlanWords({ id }: { id: string }) {
  const plan = useQuery(planQuery(id)).data;
  if (!plan) return null;
  const words = plan.cron
    ? `${scheduleWords(plan.cron)} ${plan.timeZone}: ${contentsWords(plan.contents).join(", ")}; kept: ${retentionWords(plan.retention)}`
    : "on request only";
  return (
    <Link href={planAddress(id)} className="text-accent hover:underline">
      {plan.isSet ? words : "no plan yet: set one"}
    </Link>
  );
}
