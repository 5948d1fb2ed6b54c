import type { Database } from "#lib/database/client.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { backedScenario, scenariosOf } from "../objectives/scenarios.ts";
import { subjectName } from "../schemas.ts";
import { countedBackups } from "./states.ts";

/** What a service could be restored from now; `hasData` is false for one that keeps nothing that anybody backs up. */
export type AtHand = { newest: { number: number; takenAt: Date } | null; hasData: boolean };

/** The newest verified backup of a service of a kind. */
export async function readAtHand(db: Database, ref: ServiceRef, kind: string): Promise<AtHand> {
  const subject = subjectName({ kind: "service", ref });
  const [newest, plans] = await Promise.all([
    db.backup.findFirst({
      where: { subject, ...countedBackups },
      orderBy: { takenAt: "desc" },
      select: { number: true, takenAt: true },
    }),
    db.backupPlan.count({ where: { subject } }),
  ]);
  return {
    newest: newest?.takenAt ? { number: newest.number, takenAt: newest.takenAt } : null,
    hasData: plans > 0 || newest !== null || scenariosOf(kind).includes(backedScenario(false)),
  };
}
