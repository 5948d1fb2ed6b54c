import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "#lib/database/client.ts";
import { ensureAlertSource } from "#lib/domain/alerts/sources.ts";
import { judge, type StoredSpan, type Verdict } from "./judge.ts";
import { Poller } from "./poller.ts";
import { type Attempt, SimulatedAlertmanager } from "./simulated-alertmanager.ts";
import { makeWorld, postsOf, seededRandom } from "./world.ts";

export type StormSettings = {
  db: Database;
  databaseUrl: string;
  webhookUrl: string;
  sourceName: string;
  secret: string;
  alerts: number;
  /** How long alerts come and go. */
  ms: number;
  /** The database is taken away after `fromMs` for `forMs`. */
  outage: { fromMs: number; forMs: number; begin: () => Promise<void>; end: () => Promise<void> } | null;
  pollMs: number;
  /** group_wait and group_interval of the Alertmanagers; alerts repeat after four intervals. */
  groupWaitMs: number;
  groupIntervalMs: number;
  maxAlerts: number;
  /** The share of episodes of which Alertmanager may never tell. */
  maxUntoldShare: number;
  seed: number;
};

export type StormResult = {
  verdict: Verdict;
  attempts: { accepted: number; refused: number; unavailable: number; failed: number; alerts: number };
  /** Of accepted requests, in milliseconds. */
  latencies: number[];
  truncated: number;
  /** How long after the last alert everything was stored. */
  settledMs: number;
};

/** Lets two Alertmanagers tell of a storm of alerts while polls go on, then judges what was stored. */
export async function runStorm(settings: StormSettings): Promise<StormResult> {
  const { db, alerts, ms, outage, webhookUrl, secret, maxUntoldShare } = settings;
  const random = seededRandom(settings.seed);
  const attempts: Attempt[] = [];
  const members = [0, 1].map(
    (index) =>
      new SimulatedAlertmanager({
        name: `alertmanager-${index}`,
        webhookUrl,
        secret,
        groupWaitMs: settings.groupWaitMs,
        groupIntervalMs: settings.groupIntervalMs,
        repeatIntervalMs: settings.groupIntervalMs * 4,
        maxAlerts: settings.maxAlerts,
        random,
        onAttempt: (attempt) => attempts.push(attempt),
      }),
  );
  const urls = await Promise.all(members.map((member) => member.listen()));
  await ensureAlertSource(db, { name: settings.sourceName, secret, urls });
  const world = makeWorld({ alerts, ms, maxAlerts: settings.maxAlerts, gapMs: outage?.forMs ?? 0, random });
  const epoch = Date.now();
  const poller = new Poller({ databaseUrl: settings.databaseUrl, pollMs: settings.pollMs });
  const away = outage ? takeAway(outage, epoch) : Promise.resolve();
  try {
    for (const { at, member, episode, startsAt, resolved } of postsOf(world, ms)) {
      // A timer may be a millisecond early, and a poll must not find an alert gone before its end.
      for (let wait = epoch + at - Date.now(); wait > 0; wait = epoch + at - Date.now()) await sleep(wait);
      const { fingerprint, labels, from, to } = episode;
      const end = resolved ? epoch + (to ?? 0) : null;
      members[member]?.post([{ fingerprint, labels, startsAt: epoch + (resolved ? from : startsAt), endsAt: end }]);
    }
    await away;
    const endedAt = performance.now();
    await untilTold(members, attempts, settings);
    await Promise.all(members.map((member) => member.settle()));
    await poller.finish();
    const stored = await readStored(db, settings.sourceName, epoch);
    const verdict = judge({
      world,
      stored,
      told: toldBy(attempts, poller.shown, epoch),
      pollSlackMs: slackOf(settings),
      ms,
      maxUntoldShare,
    });
    return {
      verdict,
      attempts: count(attempts),
      latencies: attempts.filter(({ status }) => status === 200).map((attempt) => attempt.ms),
      truncated: members.reduce((sum, { truncated }) => sum + truncated, 0),
      settledMs: performance.now() - endedAt,
    };
  } finally {
    await poller.stop();
    await Promise.all(members.map((member) => member.stop()));
  }
}

async function takeAway({ fromMs, forMs, begin, end }: NonNullable<StormSettings["outage"]>, epoch: number): Promise<void> {
  await sleep(epoch + fromMs - Date.now());
  await begin();
  await sleep(forMs);
  await end();
}

/** Two intervals without anything new to tell: every group has told what it had. */
async function untilTold(members: SimulatedAlertmanager[], attempts: readonly Attempt[], settings: StormSettings): Promise<void> {
  const deadline = performance.now() + 60_000;
  await sleep(settings.groupWaitMs + settings.groupIntervalMs);
  while (performance.now() < deadline && !members.every((member) => member.hasToldAll())) await sleep(200);
  if (attempts.length === 0) throw new Error("no webhook was sent");
}

function toldBy(attempts: readonly Attempt[], shown: ReadonlySet<string>, epoch: number) {
  const relative = (key: string) => {
    const [fingerprint, startsAt] = key.split("/");
    return `${fingerprint}/${Number(startsAt) - epoch}`;
  };
  const told = attempts.filter(({ status }) => status === 200).flatMap((attempt) => attempt.alerts);
  return {
    accepted: new Set(told.map(({ key }) => relative(key))),
    resolved: new Set(told.filter(({ resolved }) => resolved).map(({ key }) => relative(key))),
    shown: new Set([...shown].map(relative)),
  };
}

/** How late a poll may be with an end: the database's absence, two polls, and what a busy machine adds. */
function slackOf({ outage, pollMs }: StormSettings): number {
  return (outage?.forMs ?? 0) + 2 * pollMs + 15_000;
}

async function readStored(db: Database, source: string, epoch: number): Promise<StoredSpan[]> {
  const rows = await db.alertEpisode.findMany({
    where: { source: { name: source } },
    select: { fingerprint: true, startsAt: true, endsAt: true, closedBy: true },
    orderBy: { startsAt: "asc" },
  });
  return rows.map(({ fingerprint, startsAt, endsAt, closedBy }) => ({
    fingerprint,
    from: startsAt.getTime() - epoch,
    to: endsAt ? endsAt.getTime() - epoch : null,
    closedBy,
  }));
}

function count(attempts: readonly Attempt[]): StormResult["attempts"] {
  const withStatus = (is: (status: Attempt["status"]) => boolean) => attempts.filter(({ status }) => is(status)).length;
  return {
    accepted: withStatus((status) => status === 200),
    refused: withStatus((status) => status !== "error" && status >= 400 && status < 500),
    unavailable: withStatus((status) => status !== "error" && status >= 500),
    failed: withStatus((status) => status === "error"),
    alerts: attempts.filter(({ status }) => status === 200).reduce((sum, attempt) => sum + attempt.alerts.length, 0),
  };
}
