"use client";
import { type ReactNode, useMemo, useState } from "react";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { StartBackupDialog } from "./start-backup-dialog.tsx";
import { StartDrillDialog } from "./start-drill-dialog.tsx";
import { RecoveryContext, type RecoveryDialogs } from "./use-recovery.ts";

type Opened = { kind: "backup"; subject?: string } | { kind: "drill"; subject?: string; scenario?: Scenario };

/** Holds the dialogs that begin a backup or a drill, so that any page and the palette can open them. */
export function RecoveryProvider({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  const dialogs = useMemo<RecoveryDialogs>(
    () => ({
      backUp: (subject) => setOpened({ kind: "backup", subject }),
      drill: (subject, scenario) => setOpened({ kind: "drill", subject, scenario }),
    }),
    [],
  );
  return (
    <RecoveryContext value={dialogs}>
      {children}
      {opened?.kind === "backup" && <StartBackupDialog subject={opened.subject} onClose={close} />}
      {opened?.kind === "drill" && <StartDrillDialog subject={opened.subject} scenario={opened.scenario} onClose={close} />}
    </RecoveryContext>
  );
}
