import type { Subject } from "../schemas.ts";

/** The subject that a row of backups or plans is about. */
export function subjectOf({ namespace, service }: { namespace: string | null; service: string | null }): Subject {
  return namespace !== null && service !== null ? { kind: "service", ref: { namespace, name: service } } : { kind: "switchyard" };
}
