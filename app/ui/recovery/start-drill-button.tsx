"use client";
import { FlaskConical } from "lucide-react";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { Button, type ButtonProps } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { useRecovery } from "./use-recovery.ts";

type Properties = { subject?: string; scenario?: Scenario } & Pick<ButtonProps, "look" | "size">;

/** Begins a drill; on a given subject and scenario, or on what is chosen in the dialog. */
export function StartDrillButton({ subject, scenario, look, size }: Properties) {
  const { drill } = useRecovery();
  return (
    <Button look={look} size={size} disabledReason={useRoleRefusal("operator")} onClick={() => drill(subject, scenario)}>
      <FlaskConical aria-hidden="true" /> Start a drill
    </Button>
  );
}
