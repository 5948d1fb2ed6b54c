"use client";
import { createContext, useContext } from "react";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { LabelMatcher } from "#lib/domain/alerts/silences-schemas.ts";

/** What a silence begins from: an alert whose labels fill it in, or matchers, or nothing. */
export type SilenceRequest = { alerts?: AlertRow[]; source?: string; matchers?: LabelMatcher[] };

export type AlertActions = {
  acknowledge: (alerts: AlertRow[]) => void;
  unacknowledge: (alerts: AlertRow[]) => void;
  silence: (request: SilenceRequest) => void;
};

export const AlertActionContext = createContext<AlertActions | null>(null);

/** Opens the dialogs of alerts, which the AlertActionProvider holds. */
export function useAlertActions(): AlertActions {
  const actions = useContext(AlertActionContext);
  if (!actions) throw new Error("useAlertActions belongs inside the console.");
  return actions;
}
