import type { Transaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { incidentName } from "./incident-name.ts";
import type { LinkKind } from "./schemas.ts";

export type LinkTarget = { kind: LinkKind; targetId: string };
type Found = { id: string; title: string };

/** The links with what they show, each once. Throws invalid-input for a target that there is not. */
export async function linkRows(
  transaction: Transaction,
  links: readonly LinkTarget[],
): Promise<(LinkTarget & { title: string })[]> {
  const wanted = [...new Map(links.map((link) => [`${link.kind} ${link.targetId}`, link])).values()];
  const titles = new Map<string, string>();
  for (const [kind, of] of Map.groupBy(wanted, (link) => link.kind)) {
    const found = await readTargets[kind](
      transaction,
      of.map(({ targetId }) => targetId),
    );
    for (const { id, title } of found) titles.set(`${kind} ${id}`, title);
  }
  return wanted.map(({ kind, targetId }) => {
    const title = titles.get(`${kind} ${targetId}`);
    if (title !== undefined) return { kind, targetId, title };
    const message = `There is no ${nouns[kind]} with the id ${targetId}.`;
    throw new DomainError("invalid-input", message, { fields: { targetId: [message] } });
  });
}

const nouns: Record<LinkKind, string> = {
  alert: "alert",
  rollout: "rollout",
  action: "audit entry",
  backup: "backup",
  incident: "incident",
};

const readTargets: Record<LinkKind, (transaction: Transaction, ids: string[]) => Promise<Found[]>> = {
  async alert(transaction, ids) {
    const rows = await transaction.alertEpisode.findMany({ where: { id: { in: ids } } });
    return rows.map(({ id, name, namespace, service }) => ({ id, title: service ? `${name} on ${namespace}/${service}` : name }));
  },
  async rollout(transaction, ids) {
    const rows = await transaction.rollout.findMany({ where: { id: { in: ids } } });
    return rows.map(({ id, namespace, service, change, fromVersion, toVersion }) => ({
      id,
      title: `${change} of ${namespace}/${service}${toVersion ? ` from ${fromVersion ?? "unknown"} to ${toVersion}` : ""}`,
    }));
  },
  async action(transaction, ids) {
    const rows = await transaction.auditEntry.findMany({ where: { id: { in: ids } } });
    return rows.map(({ id, verb, targetNamespace, targetName, actorName }) => ({
      id,
      title: `${verb} ${targetNamespace ? `${targetNamespace}/` : ""}${targetName} by ${actorName}`,
    }));
  },
  async backup(transaction, ids) {
    const rows = await transaction.backup.findMany({
      where: { id: { in: ids } },
      select: { id: true, number: true, subject: true },
    });
    return rows.map(({ id, number, subject }) => ({ id, title: `Backup ${number} of ${subject}` }));
  },
  async incident(transaction, ids) {
    const rows = await transaction.incident.findMany({
      where: { id: { in: ids } },
      select: { id: true, number: true, title: true },
    });
    return rows.map(({ id, ...incident }) => ({ id, title: `${incidentName(incident)} ${incident.title}` }));
  },
};

/** The page that shows a target. */
export function linkAddress(kind: LinkKind, targetId: string): string {
  switch (kind) {
    case "alert":
      return `/alerts/${targetId}`;
    case "rollout":
      return `/rollouts/${targetId}`;
    case "action":
      return `/audit?entry=${targetId}`;
    case "backup":
      return `/recovery/backups/${targetId}`;
    case "incident":
      return `/incidents/${targetId}`;
  }
}
