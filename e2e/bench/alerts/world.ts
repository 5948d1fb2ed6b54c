import { fingerprintOf } from "#lib/domain/alerts/webhook-body.ts";

/** One time that an alert fired, as it really was. Times in milliseconds since the storm began; `to` is null when it still fires. */
export type TrueEpisode = {
  fingerprint: string;
  labels: Record<string, string>;
  from: number;
  to: number | null;
  secondLateMs: number;
};

export type WorldSettings = { alerts: number; ms: number; maxAlerts: number; gapMs: number; random: () => number };

/**
 * Alerts that fire spread over the storm: seven of ten end again, one series of ten fires twice, and every third start is known to the
 * second Alertmanager late, so that it moves back there. Between two firings of a series lie `gapMs` and more: Alertmanager forgets an
 * end that it could not tell before the alert fires again. Some groups are larger than max_alerts lets through.
 */
export function makeWorld({ alerts, ms, maxAlerts, gapMs, random }: WorldSettings): TrueEpisode[] {
  const episodes: TrueEpisode[] = [];
  const bigSize = Math.min(2 * maxAlerts, Math.floor(alerts / 15));
  const groupSize = Math.ceil(maxAlerts * 0.45);
  const shortest = ms / 12;
  for (let series = 0; episodes.length < alerts; series += 1) {
    const isBig = series < bigSize * 3;
    const group = isBig ? `big-${series % 3}` : `group-${Math.floor(series / groupSize)}`;
    const labels = {
      alertname: ["RelayHighLatency", "HighErrorRate", "ServiceDown", "RelayConnectionDrop"][series % 4] ?? "",
      severity: ["critical", "warning", "info"][series % 3] ?? "",
      namespace: "fleet",
      service: ["relay", "hub", "edge", "connector"][series % 4] ?? "",
      pod: `relay-${series}`,
      group,
    };
    const fingerprint = fingerprintOf(labels);
    const late = () => (series % 3 === 0 ? Math.ceil(random() * shortest * 0.5) : 0);
    const one = { fingerprint, labels };
    if (isBig) {
      // Of what max_alerts cuts off only polls tell, so it lives long enough to be seen by one.
      const from = Math.floor((random() * ms) / 6);
      const to = series % 2 === 0 ? null : from + Math.floor(ms * (0.6 + random() * 0.2));
      episodes.push({ ...one, from, to, secondLateMs: late() });
    } else if (series % 10 === 0) {
      const from = Math.floor((random() * ms) / 6);
      const to = from + Math.ceil(shortest * (1 + random()));
      const again = to + gapMs + Math.ceil(shortest * (1.5 + random()));
      const end = random() < 0.7 ? again + Math.ceil(shortest * (1 + 2 * random())) : null;
      episodes.push({ ...one, from, to, secondLateMs: late() }, { ...one, from: again, to: end, secondLateMs: late() });
    } else {
      const from = Math.floor(random() * ms);
      const to = random() < 0.7 ? from + Math.ceil(shortest * (1 + 3 * random())) : null;
      episodes.push({ ...one, from, to, secondLateMs: late() });
    }
  }
  return episodes;
}

/** What Prometheus posts to each Alertmanager, in time order: firing, a start that turns out to be earlier, and the end. */
export type Post = { at: number; member: 0 | 1; episode: TrueEpisode; startsAt: number; resolved: boolean };

export function postsOf(episodes: readonly TrueEpisode[], ms: number): Post[] {
  return episodes
    .flatMap((episode): Post[] => {
      const { from, to, secondLateMs } = episode;
      const one = { episode, startsAt: from, resolved: false };
      const end = to === null || to > ms ? [] : ([0, 1] as const).map((member) => ({ ...one, at: to, member, resolved: true }));
      const moved = secondLateMs > 0 ? [{ ...one, at: from, member: 1 as const, startsAt: from + secondLateMs }] : [];
      const late = secondLateMs > 0 ? secondLateMs : 0;
      return [{ ...one, at: from, member: 0 }, ...moved, { ...one, at: from + late, member: 1 }, ...end];
    })
    .toSorted((a, b) => a.at - b.at);
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
