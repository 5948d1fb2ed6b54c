"use client";
import { type ReactNode, useMemo, useRef, useState } from "react";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import { AcknowledgeDialog } from "./acknowledge-dialog.tsx";
import { SilenceDialog } from "./silence-dialog.tsx";
import { AlertActionContext, type AlertActions, type SilenceRequest } from "./use-alert-actions.ts";

type Open =
  | { type: "acknowledge" | "unacknowledge"; alerts: AlertRow[]; opening: number }
  | { type: "silence"; request: SilenceRequest; opening: number };

/** Holds the dialogs of alerts, so that any page can open them. */
export function AlertActionProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Open | null>(null);
  const openings = useRef(0);
  const actions = useMemo<AlertActions>(() => {
    const opening = () => {
      openings.current += 1;
      return openings.current;
    };
    return {
      acknowledge: (alerts) => setOpen({ type: "acknowledge", alerts, opening: opening() }),
      unacknowledge: (alerts) => setOpen({ type: "unacknowledge", alerts, opening: opening() }),
      silence: (request) => setOpen({ type: "silence", request, opening: opening() }),
    };
  }, []);
  const close = () => setOpen(null);
  return (
    <AlertActionContext value={actions}>
      {children}
      {open?.type === "silence" && <SilenceDialog key={open.opening} request={open.request} onClose={close} />}
      {open && open.type !== "silence" && (
        <AcknowledgeDialog key={open.opening} takesBack={open.type === "unacknowledge"} alerts={open.alerts} onClose={close} />
      )}
    </AlertActionContext>
  );
}
