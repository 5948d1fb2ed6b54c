import { type Context, transact } from "../context.ts";
import { announceEvent } from "./announce.ts";
import { describeFeedLost } from "./texts.ts";

/** A system that Switchyard reads from, and how to ask whether it answers. */
export type WatchedFeed = { id: string; name: string; check: () => Promise<unknown> };

/** How long a feed does not answer before targets are told. */
export const lostAfterMs = 60_000;

/**
 * Asks each feed whether it answers, and tells targets of one that has not for a minute, once for each outage, however many
 * controllers see it. Switchyard's own database is not among them: without it nothing can be told.
 */
export async function watchFeeds(context: Pick<Context, "db" | "clock">, feeds: readonly WatchedFeed[]): Promise<void> {
  await Promise.all(feeds.map((feed) => watchFeed(context, feed)));
}

async function watchFeed(context: Pick<Context, "db" | "clock">, { id, name, check }: WatchedFeed): Promise<void> {
  const problem = await check().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const now = context.clock();
  if (problem === null) {
    await context.db.feedOutage.deleteMany({ where: { feed: id } });
    return;
  }
  await transact(context, async (transaction) => {
    await transaction.feedOutage.createMany({ data: { feed: id, since: now }, skipDuplicates: true });
    const outage = await transaction.feedOutage.findUnique({ where: { feed: id } });
    if (!outage || now.getTime() - outage.since.getTime() < lostAfterMs) return;
    await announceEvent(transaction, describeFeedLost({ id, name, error: endSentence(problem), since: outage.since }), now);
  });
}

function endSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
