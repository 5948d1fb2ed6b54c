import type { Context } from "../../context.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { runOf } from "./store.ts";

/** Longer than an alert counts a service that has no instance any more. */
const rememberedMs = 2 * 3_600_000;

/** The services that a rehearsal has built in another namespace, also those that it has removed again: nobody wants instances of them. */
export async function listRehearsed({ db, clock }: Pick<Context, "db" | "clock">): Promise<ServiceRef[]> {
  const since = new Date(clock().getTime() - rememberedMs);
  const drills = await db.drill.findMany({
    where: { scenario: "region", faultAt: { not: null }, OR: [{ finishedAt: null }, { finishedAt: { gte: since } }] },
  });
  const built = drills.flatMap((drill) => {
    const { prey } = runOf(drill);
    if (prey?.kind !== "data" || prey.into === null) return [];
    return [prey.backupId, ...(prey.needs ?? [])].map((backupId) => ({ backupId, namespace: prey.into ?? "" }));
  });
  const backups = await db.backup.findMany({
    where: { id: { in: built.map(({ backupId }) => backupId) } },
    select: { id: true, service: true },
  });
  const nameOf = new Map(backups.map(({ id, service }) => [id, service]));
  return built.flatMap(({ backupId, namespace }) => {
    const name = nameOf.get(backupId);
    return name ? [{ namespace, name }] : [];
  });
}
