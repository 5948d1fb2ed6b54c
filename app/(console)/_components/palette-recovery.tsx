"use client";
import { useQuery } from "@tanstack/react-query";
import { ArchiveRestore, FlaskConical } from "lucide-react";
import { useRouter } from "next/navigation";
import { latestBackupsQuery } from "#lib/client/backups.ts";
import { latestDrillsQuery } from "#lib/client/drills.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import { readRecoveryWishes } from "#lib/client/palette.ts";
import { backupAddress, backupName, drillAddress, drillName, subjectTitle } from "#lib/client/recovery-view.ts";
import { BackupStateMark, RunMark, VerdictMark } from "../../ui/recovery/marks.tsx";
import { useRecovery } from "../../ui/recovery/use-recovery.ts";
import { useRoleRefusal } from "../../ui/session.tsx";
import { Group, Item } from "./palette-parts.tsx";

/** What the palette finds and does of recovery: backups and drills by their names, and sentences that begin one. */
export function PaletteRecovery({
  text,
  fits,
  onClose,
}: {
  text: string;
  fits: (candidate: string) => boolean;
  onClose: () => void;
}) {
  const router = useRouter();
  const dialogs = useRecovery();
  const refusal = useRoleRefusal("operator");
  const services = useQuery(servicesQuery).data?.services ?? [];
  const wishes = readRecoveryWishes(text, services);
  const backups = (useQuery(latestBackupsQuery()).data?.items ?? [])
    .filter((backup) => fits(`backup ${backupName(backup)} ${backup.subject} ${backup.state}`))
    .slice(0, 5);
  const drills = (useQuery(latestDrillsQuery()).data?.items ?? [])
    .filter((drill) => fits(`drill ${drillName(drill)} ${drill.subject} ${drill.title} ${drill.verdict ?? drill.state}`))
    .slice(0, 5);
  const go = (href: string) => {
    onClose();
    router.push(href);
  };
  return (
    <>
      {wishes.length > 0 && (
        <Group heading="Do">
          {wishes.map(({ kind, subject }) => (
            <Item
              key={`${kind} ${subject}`}
              value={`${kind} ${subject}`}
              disabled={refusal !== null}
              onSelect={() => {
                onClose();
                if (kind === "drill") dialogs.drill(subject);
                else dialogs.backUp(subject);
              }}
            >
              <span className="font-medium">
                {kind === "drill" ? "Start a drill on" : "Back up"} {subjectTitle(subject)}
              </span>
              <span className="ml-auto text-ink-3">{refusal ?? subject.split("/")[0]}</span>
            </Item>
          ))}
        </Group>
      )}
      {backups.length + drills.length > 0 && (
        <Group heading="Recovery">
          {drills.map((drill) => (
            <Item key={drill.id} value={`drill ${drill.id}`} onSelect={() => go(drillAddress(drill))}>
              <FlaskConical aria-hidden="true" className="size-3.5 text-ink-3" />
              <span className="shrink-0 font-mono text-xs text-ink-3">{drillName(drill)}</span>
              <span className="truncate font-medium">
                {drill.title}: {subjectTitle(drill.subject)}
              </span>
              <span className="ml-auto shrink-0">
                {drill.verdict ? <VerdictMark verdict={drill.verdict} /> : <RunMark state={drill.state} />}
              </span>
            </Item>
          ))}
          {backups.map((backup) => (
            <Item key={backup.id} value={`backup ${backup.id}`} onSelect={() => go(backupAddress(backup))}>
              <ArchiveRestore aria-hidden="true" className="size-3.5 text-ink-3" />
              <span className="shrink-0 font-mono text-xs text-ink-3">{backupName(backup)}</span>
              <span className="truncate font-medium">Backup of {subjectTitle(backup.subject)}</span>
              <span className="ml-auto shrink-0">
                <BackupStateMark state={backup.state} />
              </span>
            </Item>
          ))}
        </Group>
      )}
    </>
  );
}
