import { createHash } from "node:crypto";
import pg from "pg";
import { searchText } from "#lib/domain/alerts/search-text.ts";

/**
 * A year of a fleet's alerts, the same for the same seed: few rules fire most, few instances are the bad ones, one alert in thirty
 * flaps, two sources of which one was blind now and then.
 */

const dayMs = 86_400_000;
const batchRows = 2_000;
const services = ["relay", "hub", "edge", "connector", "issuer", "prober", "redis", "postgres", "billing", "search"];
const namespaces = ["fleet", "staging", "shared"];
const subjects = ["HighErrorRate", "HighLatency", "ConnectionDrop", "Restarting", "MemoryHigh", "QueueDeep"];
const severities = ["critical", "warning", "warning", "warning", "info", "none"];

export type Year = { episodes: number; end: Date; seed?: number };

/** A small generator of numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Fills an empty, migrated database with a year of episodes, two transitions each, and blind windows. */
export async function fillYear(url: string, { episodes, end, seed = 7 }: Year): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const next = random(seed);
    const sources = await insertSources(client, end);
    let batch: object[] = [];
    for (let index = 0; index < episodes; ) {
      const burst = next() < 0.01 ? Math.min(4, episodes - index) : 1;
      const alert = pickAlert(next, sources);
      const startsAt = end.getTime() - Math.floor(next() * 365 * dayMs);
      for (let repeat = 0; repeat < burst; repeat += 1, index += 1) {
        batch.push(describeEpisode(alert, startsAt + repeat * 360_000, burst > 1, end.getTime(), next));
      }
      if (batch.length >= batchRows || index >= episodes) {
        await insertEpisodes(client, batch);
        batch = [];
      }
    }
    await client.query("VACUUM (ANALYZE) alert_episodes");
    await client.query("VACUUM (ANALYZE) alert_series");
    await client.query("ANALYZE alert_transitions");
  } finally {
    await client.end();
  }
}

type Alert = ReturnType<typeof pickAlert>;

function pickAlert(next: () => number, sources: string[]) {
  const skewed = (count: number) => Math.floor(count * next() ** 2.5);
  const service = services[skewed(services.length)] ?? "relay";
  const namespace = namespaces[skewed(namespaces.length)] ?? "fleet";
  const subject = subjects[skewed(subjects.length)] ?? "HighLatency";
  const name = `${service.charAt(0).toUpperCase()}${service.slice(1)}${subject}`;
  const number = skewed(60);
  const pod = `${service}-${createHash("md5").update(`${service}${number}`).digest("hex").slice(0, 9)}-${number}`;
  const severity = severities[(subjects.indexOf(subject) + services.indexOf(service)) % severities.length] ?? "none";
  const labels: Record<string, string> = {
    alertname: name,
    namespace,
    service,
    pod,
    job: `${namespace}/${service}`,
    team: ["core", "edge", "data"][services.indexOf(service) % 3] ?? "core",
    region: ["eu-1", "us-1"][number % 2] ?? "eu-1",
    ...(severity === "none" ? {} : { severity }),
  };
  const annotations = {
    summary: `${subject} on ${pod} in ${namespace}`,
    description: `The rule ${name} has seen ${service} beyond its limit for longer than it may be.`,
    runbook_url: `https://runbooks.example/${service}/${subject}`,
  };
  const text = JSON.stringify(labels);
  const fingerprint = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const source = sources[next() < 0.85 ? 0 : 1] ?? "";
  const search_text = searchText(labels, annotations);
  return { name, service, namespace, severity, pod, labels, annotations, search_text, fingerprint, source };
}

function describeEpisode(alert: Alert, startMs: number, isFlapping: boolean, endMs: number, next: () => number): object {
  const lengthMs = isFlapping ? 60_000 + next() * 180_000 : 30_000 * Math.exp(next() * 6);
  const isOpen = startMs + lengthMs > endMs;
  const isAcknowledged = next() < 0.2;
  return {
    ...alert,
    starts_at: new Date(startMs).toISOString(),
    ends_at: isOpen ? null : new Date(startMs + lengthMs).toISOString(),
    acknowledged_at: isAcknowledged ? new Date(startMs + Math.min(lengthMs, 45_000)).toISOString() : null,
    acknowledged_by: isAcknowledged ? "olga" : null,
  };
}

async function insertSources(client: pg.Client, end: Date): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO alert_sources (id, name, secret_hash, secret_prefix, created_at, created_by_name, last_received_at)
     SELECT gen_random_uuid(), name, md5(name), 'swa_', $1, 'bench', $1 FROM unnest(ARRAY['embedded', 'second']) AS name
     RETURNING id`,
    [end],
  );
  const ids = rows.map(({ id }) => id);
  await client.query(
    `INSERT INTO blind_windows (id, source_id, reason, began_at, ended_at)
     SELECT gen_random_uuid(), $1, 'The Watchdog was not heard.', $2::timestamptz - day * interval '9 days',
       $2::timestamptz - day * interval '9 days' + interval '40 minutes'
     FROM generate_series(1, 40) AS day`,
    [ids[0], end],
  );
  return ids;
}

async function insertEpisodes(client: pg.Client, batch: object[]): Promise<void> {
  await client.query(
    `WITH given AS (
       SELECT gen_random_uuid() AS id, * FROM jsonb_to_recordset($1::jsonb) AS row (
         source uuid, fingerprint text, name text, severity text, namespace text, service text, pod text, labels jsonb,
         annotations jsonb, search_text text, starts_at timestamptz, ends_at timestamptz, acknowledged_at timestamptz, acknowledged_by text)
     ), series AS (
       INSERT INTO alert_series (source_id, fingerprint, labels, search_text, starts_at)
       SELECT DISTINCT ON (source, fingerprint) source, fingerprint, labels, search_text, starts_at FROM given
       ON CONFLICT DO NOTHING
     ), episodes AS (
       INSERT INTO alert_episodes (id, source_id, fingerprint, open_key, name, severity, namespace, service, instance, labels,
         annotations, state, starts_at, ends_at, first_received_at, last_received_at, closed_by, silenced_by, inhibited,
         acknowledged_at, acknowledged_by_name)
       SELECT id, source, fingerprint, CASE WHEN ends_at IS NULL THEN id::text END, name, severity, namespace, service, pod, labels,
         annotations, (CASE WHEN ends_at IS NULL THEN 'firing' ELSE 'resolved' END)::"AlertState", starts_at, ends_at, starts_at,
         coalesce(ends_at, starts_at), CASE WHEN ends_at IS NULL THEN NULL ELSE 'webhook' END, '{}', false, acknowledged_at,
         acknowledged_by
       FROM given
     )
     INSERT INTO alert_transitions (id, episode_id, at, recorded_at, kind, by)
     SELECT gen_random_uuid(), id, starts_at, starts_at, 'fired', 'webhook' FROM given
     UNION ALL SELECT gen_random_uuid(), id, ends_at, ends_at, 'resolved', 'webhook' FROM given WHERE ends_at IS NOT NULL`,
    [JSON.stringify(batch)],
  );
}
