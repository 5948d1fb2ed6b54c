import type { Database } from "#lib/database/client.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import type { ActionVerdict } from "../schemas.ts";
import { listMitigations } from "./mitigations.ts";
import { type RecoveryRow, readState } from "./stored.ts";
import { describePending, isMeantToHelp } from "./verdict.ts";

const prefix = "verdict/";

/** The row of the timeline that has the verdict on an action: written once. */
export const verdictSource = (actionId: string) => `${prefix}${actionId}`;

export type VerdictsOf = {
  id: string;
  /** What came after it belongs to the next answer. */
  version: number;
  impactStartedAt: Date;
  resolvedAt: Date | null;
  services: readonly (ServiceRef & { dependsOn: readonly string[] })[];
  recoveries: readonly RecoveryRow[];
};

/** What the data say of what was done during the incident, in its order; of what they do not tell yet how far they are. */
export async function listVerdicts(db: Database, incident: VerdictsOf, now: Date): Promise<ActionVerdict[]> {
  const { id, version, impactStartedAt, resolvedAt, services } = incident;
  const rows = await db.incidentEvent.findMany({
    where: { incidentId: id, version: { lte: version }, source: { startsWith: prefix }, hiddenAt: null },
    orderBy: [{ at: "asc" }, { id: "asc" }],
  });
  const told = rows.map(({ detail, message, at, namespace, service }) => ({
    ...(detail as Pick<ActionVerdict, "actionId" | "verdict" | "seconds" | "before" | "after">),
    service: `${namespace}/${service}`,
    message,
    at: at.toISOString(),
  }));
  const concerned = services.flatMap(({ namespace, name, dependsOn }) => [{ namespace, name }, ...dependsOn.map(readRef)]);
  const done = await listMitigations(db, concerned, { from: impactStartedAt, to: resolvedAt ?? now });
  const pending = done.flatMap((action): ActionVerdict[] => {
    const recovery = incident.recoveries.find((row) => isJudgedBy(row, action.service, services));
    if (!recovery || told.some(({ actionId }) => actionId === action.id)) return [];
    if (!isMeantToHelp(action, readState(recovery))) return [];
    return [
      {
        actionId: action.id,
        service: `${action.service.namespace}/${action.service.name}`,
        verdict: "pending",
        seconds: null,
        before: null,
        after: null,
        message: describePending(action, readState(recovery)),
        at: action.at.toISOString(),
      },
    ];
  });
  return [...told, ...pending].toSorted((a, b) => a.at.localeCompare(b.at));
}

/** The service's own watch, else the one of a service of the incident that needs it. */
function isJudgedBy(
  { namespace, service }: RecoveryRow,
  { namespace: of, name }: ServiceRef,
  services: VerdictsOf["services"],
): boolean {
  const isOwn = services.some((one) => one.namespace === of && one.name === name);
  if (isOwn) return namespace === of && service === name;
  return services.some((one) => one.namespace === namespace && one.name === service && one.dependsOn.includes(`${of}/${name}`));
}

export function readRef(id: string): ServiceRef {
  const [namespace = "", name = ""] = id.split("/");
  return { namespace, name };
}
