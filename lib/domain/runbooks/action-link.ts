import type { ActionVerb } from "../actions/schemas.ts";

/** What a button in a runbook does: `[Roll back relay](action:roll-back?service=fleet/relay)`. */
export type ActionLink = {
  verb: ActionVerb;
  /** namespace/name; null: the service that the runbook is read for. */
  service: string | null;
  replicas?: number;
  toRevision?: number;
};

/** How runbooks call what can be done. */
export const actionWords = {
  "roll-back": "rollback",
  restart: "restart",
  scale: "scale",
  "open-breaker": "open-breaker",
  "close-breaker": "close-breaker",
  "fail-over": "fail-over",
} as const satisfies Record<string, ActionVerb>;

const pattern = /^action:([a-z-]+)(?:\?(.*))?$/;

/** Whether an address is meant as a button, whatever it says. */
export function isActionHref(href: string): boolean {
  return href.startsWith("action:");
}

/** Reads a link's address; null when it is no action that there is. */
export function readActionLink(href: string): ActionLink | null {
  const [, word = "", query = ""] = pattern.exec(href) ?? [];
  if (!Object.hasOwn(actionWords, word)) return null;
  const values = new URLSearchParams(query);
  const service = values.get("service");
  if (service !== null && !/^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/.test(service)) return null;
  const verb = actionWords[word as keyof typeof actionWords];
  const number = (name: string) => (/^\d{1,6}$/.test(values.get(name) ?? "") ? Number(values.get(name)) : undefined);
  return { verb, service, replicas: number("replicas"), toRevision: number("revision") };
}
