"use client";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { ActionDialog } from "./action-dialog.tsx";
import { ActionContext, type ActionRequest, type Actions } from "./use-actions.ts";

/** Holds the one action dialog, so that any page and the palette can open it. */
export function ActionProvider({ children }: { children: ReactNode }) {
  const [request, setRequest] = useState<(ActionRequest & { opening: number }) | null>(null);
  const openings = useRef(0);
  const actions = useMemo<Actions>(
    () => ({
      open: (next) => {
        openings.current += 1;
        setRequest({ ...next, opening: openings.current });
      },
    }),
    [],
  );
  return (
    <ActionContext value={actions}>
      {children}
      {request && <ActionDialog key={request.opening} request={request} onClose={() => setRequest(null)} />}
    </ActionContext>
  );
}
