"use client";
import { FlaskConical } from "lucide-react";
import { useState } from "react";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { Button, type ButtonProps } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { StartDrillDialog } from "./start-drill-dialog.tsx";

/** Begins a drill; on a given subject and scenario, or on what is chosen in the dialog. */
export function StartDrillButton({
  subject,
  scenario,
  look,
  size,
}: {
  subject?: string;
  scenario?: Scenario;
  look?: ButtonProps["look"];
  size?: ButtonProps["size"];
}) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRoleRefusal("operator");
  return (
    <>
      <Button look={look} size={size} disabledReason={refusal} onClick={() => setOpen(true)}>
        <FlaskConical aria-hidden="true" /> Start a drill
      </Button>
      {isOpen && <StartDrillDialog subject={subject} scenario={scenario} onClose={() => setOpen(false)} />}
    </>
  );
}
