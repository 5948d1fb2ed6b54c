"use client";
import { ArchiveRestore, BadgeCheck, CircleStop, FileCheck, Pin, PinOff, Trash2 } from "lucide-react";
import { useState } from "react";
import { sendBackupCommand } from "#lib/client/backups.ts";
import { backupName, restoreRefusal, subjectTitle } from "#lib/client/recovery-view.ts";
import type { BackupCommand, BackupDetail, BackupView } from "#lib/domain/recovery/backups/schemas.ts";
import { Button } from "../../../../ui/button.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { RestoreDialog } from "./restore-dialog.tsx";

type Words = { label: string; icon: typeof Pin; sentence: (backup: BackupView) => string; does: string };

const words: Record<BackupCommand, Words> = {
  verify: {
    label: "Verify",
    icon: FileCheck,
    sentence: (backup) => `Verify ${backupName(backup)}`,
    does: "Its archive is read back from the storage and every file compared with its checksum. Nothing else is touched.",
  },
  prove: {
    label: "Restore into scratch",
    icon: BadgeCheck,
    sentence: (backup) => `Prove ${backupName(backup)} by a restore`,
    does: "It is restored into servers of its own, beside everything, and asked what was recorded when it was taken. They are removed afterwards; the present is not touched.",
  },
  pin: {
    label: "Pin",
    icon: Pin,
    sentence: (backup) => `Pin ${backupName(backup)}`,
    does: "It is kept, whatever the retention says, until somebody unpins it.",
  },
  unpin: {
    label: "Unpin",
    icon: PinOff,
    sentence: (backup) => `Unpin ${backupName(backup)}`,
    does: "From then on the retention decides whether it is kept.",
  },
  cancel: {
    label: "Cancel",
    icon: CircleStop,
    sentence: (backup) => `Cancel ${backupName(backup)}`,
    does: "What was written of it is removed. The service runs on as before.",
  },
  delete: {
    label: "Delete",
    icon: Trash2,
    sentence: (backup) => `Delete ${backupName(backup)} of ${subjectTitle(backup.subject)}`,
    does: "Its archive is removed from the storage. There is no way back.",
  },
};

const isOpen = ({ state }: BackupView) => state === "queued" || state === "running" || state === "verifying";

/** Which of them have a sense in its state. */
function shownCommands(backup: BackupView): BackupCommand[] {
  if (isOpen(backup)) return ["cancel"];
  if (backup.state === "failed") return ["delete"];
  if (backup.state !== "completed" && backup.state !== "partial") return [];
  return ["prove", "verify", backup.pinned ? "unpin" : "pin", "delete"];
}

/** What may be done with a backup now; what may not stays there with the reason. */
export function BackupCommands({ detail: { backup, proofs, parts } }: { detail: BackupDetail }) {
  const operator = useRoleRefusal("operator");
  const admin = useRoleRefusal("admin");
  const [opened, setOpened] = useState<BackupCommand | "restore" | null>(null);
  const isProving = proofs.some(({ state }) => state === "queued" || state === "running");
  const refusalOf = (command: BackupCommand): string | null => {
    if (command === "delete") return admin ?? (backup.pinned ? "It is pinned: unpin it first." : null);
    if (operator) return operator;
    return isProving && (command === "verify" || command === "prove") ? "A proof of it is under way." : null;
  };
  const canRestore = !isOpen(backup) && backup.state !== "failed";
  return (
    <div className="flex flex-wrap gap-2">
      {canRestore && (
        <Button look="primary" disabledReason={operator ?? restoreRefusal(backup)} onClick={() => setOpened("restore")}>
          <ArchiveRestore aria-hidden="true" /> Restore
        </Button>
      )}
      {shownCommands(backup).map((command) => {
        const { icon: Icon, label } = words[command];
        return (
          <Button
            key={command}
            disabledReason={refusalOf(command)}
            onClick={() => setOpened(command)}
            className={command === "delete" && !refusalOf(command) ? "text-bad" : undefined}
          >
            <Icon aria-hidden="true" /> {label}
          </Button>
        );
      })}
      {opened === "restore" && <RestoreDialog backup={backup} parts={parts} onClose={() => setOpened(null)} />}
      {opened !== null && opened !== "restore" && (
        <OrderDialog
          name={`${opened} backup ${backup.id}`}
          sentence={words[opened].sentence(backup)}
          about={backup.message}
          does={<p>{words[opened].does}</p>}
          refusal={refusalOf(opened)}
          isDangerous={opened === "delete"}
          send={(reason, key) => sendBackupCommand(backup.id, opened, reason, key)}
          onClose={() => setOpened(null)}
        />
      )}
    </div>
  );
}
