import type { Transaction } from "../context.ts";
import { formatUtc } from "../times.ts";
import { viewRecoveries } from "./recovery/stored.ts";
import type { StoredIncident } from "./stored.ts";

/** Something that says how long an incident lasted at least. */
type Evidence = { at: Date; message: string };

/**
 * What the data know to have gone on after `at`: an alert that ended later, a service that was good again later. Who says that it was
 * over before that has to say why.
 */
export async function listLaterEvidence(transaction: Transaction, incident: StoredIncident, at: Date): Promise<string[]> {
  const all = [...(await endsOfAlerts(transaction, incident.id)), ...(await recoveries(transaction, incident))];
  return all.filter((one) => one.at > at).map(({ message }) => message);
}

async function endsOfAlerts(transaction: Transaction, incidentId: string): Promise<Evidence[]> {
  const links = await transaction.incidentLink.findMany({ where: { incidentId, kind: "alert" }, select: { targetId: true } });
  const episodes = await transaction.alertEpisode.findMany({
    where: { id: { in: links.map(({ targetId }) => targetId) }, endsAt: { not: null } },
    orderBy: [{ endsAt: "asc" }, { id: "asc" }],
    select: { name: true, endsAt: true },
  });
  return episodes.flatMap(({ name, endsAt }) =>
    endsAt ? [{ at: endsAt, message: `${name} ended at ${formatUtc(endsAt)}.` }] : [],
  );
}

async function recoveries(transaction: Transaction, { id: incidentId, services }: StoredIncident): Promise<Evidence[]> {
  const rows = await transaction.incidentRecovery.findMany({ where: { incidentId } });
  const refs = services.map(({ namespace, service: name }) => ({ namespace, name }));
  return viewRecoveries(rows, refs).flatMap(({ service, recoveredAt }) => {
    if (recoveredAt === null) return [];
    return [{ at: new Date(recoveredAt), message: `${service} was good again at ${formatUtc(recoveredAt)}, by the data.` }];
  });
}
