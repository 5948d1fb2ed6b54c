"use client";
import { Archive } from "lucide-react";
import { Button, type ButtonProps } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useRecovery } from "./use-recovery.ts";

/** Makes a backup now; of a given subject, or of one that is chosen in the dialog. */
export function StartBackupButton({ subject, look }: { subject?: string; look?: ButtonProps["look"] }) {
  const { backUp } = useRecovery();
  return (
    <Button look={look} disabledReason={useRoleRefusal("operator")} onClick={() => backUp(subject)}>
      <Archive aria-hidden="true" /> Back up now
    </Button>
  );
}
