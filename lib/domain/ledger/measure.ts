import type { Prisma } from "#lib/database/generated/client.ts";
import type { Context } from "../context.ts";
import type { ServiceFigures } from "../fleet/schemas.ts";
import { queryFleetFigures } from "../metrics/figures.ts";

const minuteMs = 60_000;
/** Later than this nothing is measured any more: the first value is all that a lasting problem leaves. */
const patienceMs = 24 * 60 * minuteMs;
/** A rollout that does not end is measured after this time all the same. */
const longestRolloutMs = 60 * minuteMs;
const scrapesInWindow = 4;

const withWhatItChanged = { rollout: { select: { finishedAt: true } }, measure: true } as const;
type Entry = Prisma.AuditEntryGetPayload<{ include: typeof withWhatItChanged }>;

/**
 * Measures every action on a service in the minute before it, and again over a minute that begins a minute after it, or after
 * the rollout that it started, has ended. Rejects as PrometheusClient does; the next pass goes on where this one stopped.
 */
export async function measureActions(
  { db, prometheus, clock }: Pick<Context, "db" | "prometheus" | "clock">,
  { scrapeSeconds }: { scrapeSeconds: number },
): Promise<void> {
  if (!prometheus) return;
  const now = clock().getTime();
  const windowMs = Math.max(minuteMs, scrapesInWindow * scrapeSeconds * 1000);
  const entries = await db.auditEntry.findMany({
    where: {
      targetKind: "service",
      outcome: "succeeded",
      at: { gte: new Date(now - patienceMs) },
      OR: [{ measure: null }, { measure: { afterAt: null } }],
    },
    include: withWhatItChanged,
    orderBy: { at: "desc" },
    take: 100,
  });
  const measureAt = async (entry: Entry, at: Date): Promise<ServiceFigures | null> => {
    const all = await queryFleetFigures(prometheus, scrapeSeconds, { at, windowSeconds: windowMs / 1000 });
    return all[`${entry.targetNamespace}/${entry.targetName}`] ?? null;
  };
  for (const entry of entries) {
    const auditEntryId = entry.id;
    if (!entry.measure) {
      const before = toJson(await measureAt(entry, entry.at));
      await db.actionMeasure.createMany({ data: [{ auditEntryId, before, beforeAt: entry.at }], skipDuplicates: true });
    }
    const afterAt = new Date(endOf(entry, now) + 2 * windowMs);
    if (afterAt.getTime() > now) continue;
    const after = toJson(await measureAt(entry, afterAt));
    await db.actionMeasure.updateMany({ where: { auditEntryId, afterAt: null }, data: { after, afterAt } });
  }
}

/** When what the action started had ended, in milliseconds; in the future while it is under way. */
function endOf({ at, rollout }: Entry, now: number): number {
  if (!rollout) return at.getTime();
  return rollout.finishedAt?.getTime() ?? Math.min(at.getTime() + longestRolloutMs, now + longestRolloutMs);
}

function toJson(figures: ServiceFigures | null): Prisma.InputJsonObject | undefined {
  return figures ? { ...figures } : undefined;
}
