"use client";
import { createContext, useContext } from "react";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";

export type RecoveryDialogs = {
  /** Opens the dialog that makes a backup; without a subject one is chosen in it. */
  backUp: (subject?: string) => void;
  /** Opens the dialog that begins a drill. */
  drill: (subject?: string, scenario?: Scenario) => void;
};

export const RecoveryContext = createContext<RecoveryDialogs | null>(null);

/** Opens the dialogs about recovery, which the RecoveryProvider holds. */
export function useRecovery(): RecoveryDialogs {
  const dialogs = useContext(RecoveryContext);
  if (!dialogs) throw new Error("useRecovery belongs inside the console.");
  return dialogs;
}
