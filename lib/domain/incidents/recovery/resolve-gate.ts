import type { Database } from "#lib/database/client.ts";
import type { Transaction } from "../../context.ts";
import { readAutomation } from "../opening/automation-settings.ts";
import type { ResolveBlocker } from "../schemas.ts";
import { judgeResolve } from "./judge-resolve.ts";
import { readState } from "./stored.ts";

/** What speaks against resolving the incident now; empty when nothing does. */
export async function listResolveBlockers(db: Database | Transaction, incidentId: string, now: Date): Promise<ResolveBlocker[]> {
  const incident = await db.incident.findUnique({
    where: { id: incidentId },
    select: {
      recoveries: true,
      services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
      links: { where: { kind: "alert" }, select: { targetId: true, silence: true } },
    },
  });
  if (!incident) return [];
  const { services, recoveries, links } = incident;
  const { clearSeconds } = await readAutomation(db);
  const since = new Date(now.getTime() - clearSeconds * 1000);
  const [alerts, windows] = await Promise.all([
    db.alertEpisode.findMany({
      where: {
        OR: [
          { id: { in: links.map(({ targetId }) => targetId) } },
          ...services.map(({ namespace, service }) => ({ namespace, service, state: "firing" as const })),
        ],
      },
      orderBy: [{ startsAt: "asc" }, { id: "asc" }],
    }),
    db.blindWindow.findMany({
      where: { OR: [{ endedAt: null }, { endedAt: { gt: since } }], source: { disabledAt: null } },
      include: { source: { select: { name: true } } },
      orderBy: { beganAt: "asc" },
    }),
  ]);
  return judgeResolve(
    {
      alerts: alerts.map(({ namespace, service, ...alert }) => ({
        ...alert,
        service: namespace && service ? `${namespace}/${service}` : null,
        silence: links.find(({ targetId }) => targetId === alert.id)?.silence ?? null,
      })),
      blindness: windows.map(({ sourceId, source, beganAt, endedAt }) => ({ sourceId, source: source.name, beganAt, endedAt })),
      services: services.map(({ namespace, service }) => {
        const row = recoveries.find((one) => one.namespace === namespace && one.service === service);
        return { service: `${namespace}/${service}`, recovery: row ? readState(row) : null };
      }),
      clearSeconds,
    },
    now,
  );
}
