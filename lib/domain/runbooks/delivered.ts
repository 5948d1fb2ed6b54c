import texts from "./delivered.json" with { type: "json" };
import { anyGroup, type RunbookRef } from "./schemas.ts";

type Page = { title: string; intro: string; sections: Map<string, string> };

/** The runbooks beside the daemons (services/NAME/RUNBOOK.md) by kind: an introduction, then a section an alert. */
const pages = new Map(Object.entries(texts).map(([kind, text]) => [kind, readPage(text)]));

// For services of a kind that has none of its own.
const anyService = `What to do when something is wrong with this service.

1. What changed just before? If it was a rollout: [roll it back](action:roll-back).
2. One instance is worse than the others: [restart](action:restart) replaces all of them, one after the other.
3. All are near their limits of CPU or connections: [scale out](action:scale).
`;

export const deliveredKinds: readonly string[] = [...pages.keys()];

/** The title, the introduction and the alerts of a kind's page, in its order; null for a kind that delivers none. */
export function findDeliveredPage(kind: string): { title: string; intro: string; alerts: string[] } | null {
  const page = pages.get(kind);
  return page ? { title: page.title, intro: page.intro, alerts: [...page.sections.keys()] } : null;
}

/** Every alert that a runbook is delivered for. */
export function listDeliveredAlerts(): RunbookRef[] {
  return [...pages].flatMap(([group, { sections }]) =>
    [...sections.keys()].map((name) => ({ scope: "alert" as const, group, name })),
  );
}

/** What Switchyard delivers: for an alert the section of its kind's page, for a service the introduction of that of its own kind. */
export function deliveredText({ scope, group, name }: RunbookRef, serviceKind: string | null): string | null {
  if (scope === "alert") return pages.get(group)?.sections.get(name) ?? null;
  return (serviceKind === null ? null : pages.get(serviceKind)?.intro) || anyService;
}

/**
 * The runbook of an alert: of the kind that it names, else the one that somebody wrote for every kind, else of the only kind that
 * delivers one of that name.
 */
export function runbookOfAlert(name: string, kind: string | null, isWritten: (ref: RunbookRef) => boolean): RunbookRef {
  const own: RunbookRef | null = kind === null ? null : { scope: "alert", group: kind, name };
  if (own && (pages.get(own.group)?.sections.has(name) || isWritten(own))) return own;
  const any: RunbookRef = { scope: "alert", group: anyGroup, name };
  if (isWritten(any)) return any;
  const [only, ...more] = [...pages].filter(([, { sections }]) => sections.has(name));
  return only && more.length === 0 ? { scope: "alert", group: only[0], name } : any;
}

function readPage(text: string): Page {
  const [head = "", ...rest] = text.split(/^## /m);
  const [title = "", ...intro] = head.replace(/^# /, "").split("\n");
  const sections = rest.map((section): [string, string] => {
    const end = section.indexOf("\n");
    return [section.slice(0, end).trim(), section.slice(end + 1).trim()];
  });
  return { title: title.trim(), intro: intro.join("\n").trim(), sections: new Map(sections) };
}
