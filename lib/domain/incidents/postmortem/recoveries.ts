import type { Context, Transaction } from "../../context.ts";
import { recoveredAtOf, viewRecoveries } from "../recovery/stored.ts";
import type { Recovery } from "../schemas.ts";
import type { StoredIncident } from "../stored.ts";

/** What was watched of an incident's services, the worst first, and when the last of them was good again by the data, whatever came after its resolution. */
export async function readRecoveries(
  db: Context["db"] | Transaction,
  { id, services, resolvedAt }: Pick<StoredIncident, "id" | "services" | "resolvedAt">,
): Promise<{ recoveries: Recovery[]; recoveredAt: Date | null }> {
  const rows = await db.incidentRecovery.findMany({ where: { incidentId: id } });
  const refs = services.map(({ namespace, service: name }) => ({ namespace, name }));
  return { recoveries: viewRecoveries(rows, refs), recoveredAt: recoveredAtOf(rows, refs, resolvedAt) };
}
