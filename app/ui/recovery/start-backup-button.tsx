"use client";
import { Archive } from "lucide-react";
import { useState } from "react";
import { Button, type ButtonProps } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { StartBackupDialog } from "./start-backup-dialog.tsx";

/** Makes a backup now; of a given subject, or of one that is chosen in the dialog. */
export function StartBackupButton({ subject, look }: { subject?: string; look?: ButtonProps["look"] }) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRoleRefusal("operator");
  return (
    <>
      <Button look={look} disabledReason={refusal} onClick={() => setOpen(true)}>
        <Archive aria-hidden="true" /> Back up now
      </Button>
      {isOpen && <StartBackupDialog subject={subject} onClose={() => setOpen(false)} />}
    </>
  );
}
