/** Why alerts of a source can come and go unseen. */
export const blindReasons = {
  "watchdog-missing":
    "The Watchdog, which always fires, does not arrive: Prometheus does not evaluate its rules, or does not reach Alertmanager.",
  unreachable: "None of its Alertmanagers answers and no webhook arrives.",
  "not-listening": "Switchyard itself did not run or had no database.",
} as const;
export type BlindReason = keyof typeof blindReasons;

/** Without a poll or a webhook for so long, a source is not heard: three polls. */
export const contactGraceMs = 35_000;
/** How long the Watchdog may be missing from polls: some scrapes and Prometheus' delay until it sends an alert again. */
export const watchdogGraceMs = 60_000;
/** The same where only webhooks tell of it: those repeat it at its route's repeat_interval, for which 5 minutes are advised. */
export const toldWatchdogGraceMs = 15 * 60_000;

/** When a source was last heard. */
export type SourceContact = {
  createdAt: Date;
  lastReceivedAt: Date | null;
  watchdogAt: Date | null;
  members: readonly { lastPolledAt: Date | null; failingSince: Date | null }[];
};

/** Since when a source has not been heard, and why; null while it is. Alerts can have come and gone unseen since then. */
export function judgeBlindness(source: SourceContact, now: Date): { reason: BlindReason; since: Date } | null {
  const { createdAt, lastReceivedAt, watchdogAt, members } = source;
  const isPolled = members.length > 0;
  const contacts = [lastReceivedAt, ...members.map(({ lastPolledAt }) => lastPolledAt)].filter((at) => at !== null);
  const contactAt = contacts.reduce((latest, at) => (at > latest ? at : latest), createdAt);
  // Without members and without a Watchdog, silence may be peace: nothing can be said.
  if (!isPolled && !watchdogAt) return null;
  if (isPolled && isOver(contactAt, contactGraceMs, now)) {
    const since = watchdogAt && watchdogAt < contactAt ? watchdogAt : contactAt;
    return { reason: members.some(({ failingSince }) => failingSince) ? "unreachable" : "not-listening", since };
  }
  if (watchdogAt && isOver(watchdogAt, isPolled ? watchdogGraceMs : toldWatchdogGraceMs, now)) {
    return { reason: "watchdog-missing", since: watchdogAt };
  }
  return null;
}

function isOver(at: Date, graceMs: number, now: Date): boolean {
  return now.getTime() - at.getTime() > graceMs;
}
