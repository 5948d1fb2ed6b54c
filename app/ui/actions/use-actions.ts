"use client";
import { createContext, useContext } from "react";
import type { ActionValues } from "#lib/client/action-texts.ts";
import type { ActionVerb } from "#lib/domain/actions/schemas.ts";

/** An action that somebody is about to take, with what is filled in. */
export type ActionRequest = { verb: ActionVerb; service: string; values?: Partial<ActionValues>; reason?: string };

export type Actions = { open: (request: ActionRequest) => void };

export const ActionContext = createContext<Actions | null>(null);

/** Opens the one action dialog, which the ActionProvider holds. */
export function useActions(): Actions {
  const actions = useContext(ActionContext);
  if (!actions) throw new Error("useActions belongs inside the console.");
  return actions;
}
