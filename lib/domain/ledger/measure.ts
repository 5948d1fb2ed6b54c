import type { Prisma } from "#lib/database/generated/client.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
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
 * the rollout that it started, has ended. The oldest that are due come first. Rejects with prometheus-unavailable; the next pass
 * goes on where this one stopped. What Prometheus refuses is left without values.
 */
export async function measureActions(
  context: Pick<Context, "db" | "prometheus" | "clock" | "logger">,
  { scrapeSeconds }: { scrapeSeconds: number },
): Promise<void> {
  const { db, prometheus, clock } = context;
  if (!prometheus) return;
  const now = clock().getTime();
  const windowMs = Math.max(minuteMs, scrapesInWindow * scrapeSeconds * 1000);
  const settleMs = 2 * windowMs;
  for (const entry of await findDue(context, now, settleMs)) {
    const measureAt = (at: Date) => measure(context, prometheus, entry, { at, scrapeSeconds, windowSeconds: windowMs / 1000 });
    const auditEntryId = entry.id;
    if (!entry.measure) {
      const before = await measureAt(entry.at);
      await db.actionMeasure.createMany({ data: [{ auditEntryId, before, beforeAt: entry.at }], skipDuplicates: true });
    }
    const afterAt = new Date(endOf(entry) + settleMs);
    if (afterAt.getTime() > now) continue;
    const after = await measureAt(afterAt);
    await db.actionMeasure.updateMany({ where: { auditEntryId, afterAt: null }, data: { after, afterAt } });
  }
}

/** What has no values from before it yet, and what has settled and has none from after it. */
function findDue({ db }: Pick<Context, "db">, now: number, settleMs: number): Promise<Entry[]> {
  const settled = new Date(now - settleMs);
  const ended = [
    { rollout: null, at: { lte: settled } },
    { rollout: { finishedAt: { lte: settled } } },
    { at: { lte: new Date(now - longestRolloutMs - settleMs) } },
  ];
  return db.auditEntry.findMany({
    where: {
      targetKind: "service",
      outcome: "succeeded",
      at: { gte: new Date(now - patienceMs) },
      OR: [{ measure: null }, { measure: { afterAt: null }, OR: ended }],
    },
    include: withWhatItChanged,
    orderBy: { at: "asc" },
    take: 100,
  });
}

type Moment = { at: Date; scrapeSeconds: number; windowSeconds: number };

async function measure(
  { logger }: Pick<Context, "logger">,
  prometheus: PrometheusClient,
  { id, targetNamespace, targetName }: Entry,
  { at, scrapeSeconds, windowSeconds }: Moment,
): Promise<Prisma.InputJsonObject | undefined> {
  const of = { namespace: targetNamespace ?? "", name: targetName };
  try {
    const figures = await queryFleetFigures(prometheus, scrapeSeconds, { at, windowSeconds, of });
    return figures[`${of.namespace}/${of.name}`];
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== "prometheus-refused") throw error;
    logger.warn({ err: error, auditId: id }, "an action cannot be measured");
    return undefined;
  }
}

/** When what the action started had ended, in milliseconds; a rollout that goes on counts as ended after an hour. */
function endOf({ at, rollout }: Entry): number {
  if (!rollout) return at.getTime();
  return rollout.finishedAt?.getTime() ?? at.getTime() + longestRolloutMs;
}
