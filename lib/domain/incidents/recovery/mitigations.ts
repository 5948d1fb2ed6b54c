import type { Database } from "#lib/database/client.ts";
import type { Transaction } from "../../context.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import type { Mitigation } from "./verdict.ts";

/** What may end an incident, by its verb in the audit, as the beginning of a sentence. */
const names: Readonly<Record<string, (service: string) => string>> = {
  rollback: (service) => `Rollback of ${service}`,
  restart: (service) => `Restart of ${service}`,
  scale: (service) => `Scaling of ${service}`,
  image: (service) => `New image of ${service}`,
  rollout: (service) => `Rollout of ${service}`,
  abort: (service) => `Abort of the rollout of ${service}`,
  "fail-over": (service) => `Failover of ${service}`,
  "open-breaker": (service) => `Opened circuit breaker of ${service}`,
  "close-breaker": (service) => `Closed circuit breaker of ${service}`,
};

/** What is done for other reasons, too. */
const ordinary: ReadonlySet<string> = new Set(["scale", "image", "rollout"]);

const most = 50;

/** What was done to these services within a time that may have ended an incident, the first one first; an autoscaler's doing is none. */
export async function listMitigations(
  db: Database | Transaction,
  services: readonly ServiceRef[],
  { from, to }: { from: Date; to: Date },
): Promise<(Mitigation & { service: ServiceRef })[]> {
  if (services.length === 0) return [];
  const rows = await db.auditEntry.findMany({
    where: {
      OR: services.map(({ namespace, name }) => ({ targetNamespace: namespace, targetName: name })),
      targetKind: { in: ["service", "rollout"] },
      verb: { in: Object.keys(names) },
      outcome: "succeeded",
      at: { gte: from, lte: to },
      NOT: { actorKind: "external", actorName: { startsWith: "autoscaler " } },
    },
    orderBy: [{ at: "asc" }, { id: "asc" }],
    take: most,
    select: {
      id: true,
      at: true,
      verb: true,
      targetNamespace: true,
      targetName: true,
      rollout: { select: { finishedAt: true } },
    },
  });
  return rows.map(({ id, at, verb, targetNamespace, targetName, rollout }) => ({
    id,
    at,
    what: names[verb]?.(targetName) ?? verb,
    isRepair: !ordinary.has(verb),
    endedAt: rollout ? rollout.finishedAt : verb === "abort" ? null : at,
    service: { namespace: targetNamespace ?? "", name: targetName },
  }));
}
