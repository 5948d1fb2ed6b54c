import type { Context } from "../context.ts";
import { transact } from "../context.ts";
import { announceSilenceExpiry } from "../notifications/announce.ts";
import { formatMatchers } from "./matchers.ts";
import { readMembers, readSilences } from "./silences-members.ts";
import { expiryNoticeMinutes } from "./silences-schemas.ts";

const abandonedAfterMs = 60_000;

/** What the controller does about silences each minute. */
export async function watchSilences(context: Pick<Context, "db" | "clock">): Promise<void> {
  await settleAbandonedSilences(context);
  await announceExpiringSilences(context);
}

/** Tells targets of active silences that end within 15 minutes, each end once; returns how many end soon. */
export async function announceExpiringSilences(context: Pick<Context, "db" | "clock">): Promise<number> {
  const { db, clock } = context;
  const { silences } = await readSilences(await readMembers(db));
  const now = clock();
  const latest = now.getTime() + expiryNoticeMinutes * 60_000;
  const ending = silences.filter(({ silence }) => {
    const ends = Date.parse(silence.endsAt);
    // Whoever makes a silence as short as the notice has just been told when it ends.
    const isLonger = ends - Date.parse(silence.startsAt) > expiryNoticeMinutes * 60_000;
    return silence.status.state === "active" && ends > now.getTime() && ends <= latest && isLonger;
  });
  for (const { source, silence } of ending) {
    const { id, createdBy, comment } = silence;
    const matchers = formatMatchers(silence.matchers).slice(1, -1);
    const told = { id, source, matchers, createdBy, comment, endsAt: new Date(silence.endsAt) };
    await transact({ db }, (transaction) => announceSilenceExpiry(transaction, told, now));
  }
  return ending.length;
}

/** Settles what a process that died while it asked Alertmanager left pending in the audit. */
export async function settleAbandonedSilences({ db, clock }: Pick<Context, "db" | "clock">): Promise<number> {
  const now = clock();
  const { count } = await db.auditEntry.updateMany({
    where: { targetKind: "silence", outcome: "pending", at: { lt: new Date(now.getTime() - abandonedAfterMs) } },
    data: {
      outcome: "failed",
      settledAt: now,
      errorCode: "precondition-failed",
      errorMessage: "Switchyard stopped while it asked Alertmanager; look at the silences before you try again.",
    },
  });
  return count;
}
