"use client";
import { createContext, type ReactNode, useContext, useMemo, useRef, useState } from "react";
import type { ActionValues } from "#lib/client/action-texts.ts";
import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import { ActionDialog } from "./action-dialog.tsx";

/** An action that somebody is about to take, with what is filled in. */
export type ActionRequest = { verb: ActionVerb; service: string; values?: Partial<ActionValues> };

type Actions = { open: (request: ActionRequest) => void };
const ActionContext = createContext<Actions | null>(null);

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

export function useActions(): Actions {
  const actions = useContext(ActionContext);
  if (!actions) throw new Error("useActions belongs inside the console.");
  return actions;
}
