import { randomBytes } from "node:crypto";
import pg from "pg";
import { fingerprintOf } from "#lib/domain/alerts/webhook-body.ts";

const clients = 32;

export type Rates = {
  /** Rows a second when 32 connections commit one row at a time. */
  commits: number;
  /** Alerts a second that were answered with 200 after their commit, 32 webhooks at a time, by alerts a webhook. */
  ingest: { alertsAWebhook: number; alertsPerSecond: number; p95Ms: number }[];
};

/** PostgreSQL's own one-row commits, and the alerts that get in through HTTP, one after the other on the same server. */
export async function measureRates(options: {
  databaseUrl: string;
  webhookUrl: string;
  secret: string;
  ms: number;
  percentile: (values: readonly number[], share: number) => number;
}): Promise<Rates> {
  const { databaseUrl, ms, percentile } = options;
  const commits = await commitRate(databaseUrl, ms);
  const ingest: Rates["ingest"] = [];
  // The server compiles what it runs before it is measured.
  for (let round = 0; round < 20; round += 1)
    await Promise.all(Array.from({ length: clients }, () => post(options, makeBody(10))));
  for (const alertsAWebhook of [1, 10, 100]) {
    const latencies: number[] = [];
    const startedAt = performance.now();
    let stored = 0;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() - startedAt < ms) {
          const begun = performance.now();
          await post(options, makeBody(alertsAWebhook));
          latencies.push(performance.now() - begun);
          stored += alertsAWebhook;
        }
      }),
    );
    const alertsPerSecond = (stored * 1000) / (performance.now() - startedAt);
    ingest.push({ alertsAWebhook, alertsPerSecond, p95Ms: percentile(latencies, 0.95) });
  }
  return { commits, ingest };
}

async function commitRate(url: string, ms: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: clients });
  await pool.query("CREATE TABLE IF NOT EXISTS bench_commits (id bigserial PRIMARY KEY, body text NOT NULL)");
  const body = "x".repeat(400);
  const startedAt = performance.now();
  let rows = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() - startedAt < ms) {
        await pool.query({ name: "commit", text: "INSERT INTO bench_commits (body) VALUES ($1)", values: [body] });
        rows += 1;
      }
    }),
  );
  const rate = (rows * 1000) / (performance.now() - startedAt);
  await pool.end();
  return rate;
}

/** Alerts that have never been there: every one makes an episode. */
function makeBody(count: number): string {
  const startsAt = new Date(Date.now() - 1_000).toISOString();
  const alerts = Array.from({ length: count }, () => {
    const pod = `relay-${randomBytes(6).toString("hex")}`;
    const labels = { alertname: "RelayHighLatency", severity: "warning", namespace: "fleet", service: "relay", pod };
    const annotations = { summary: `RelayHighLatency on ${pod}`, runbook_url: "http://localhost:3000/runbooks/relay" };
    const times = { startsAt, endsAt: "0001-01-01T00:00:00Z" };
    return { status: "firing", labels, annotations, ...times, generatorURL: "", fingerprint: fingerprintOf(labels) };
  });
  return JSON.stringify({ version: "4", status: "firing", receiver: "switchyard", truncatedAlerts: 0, alerts });
}

async function post({ webhookUrl, secret }: { webhookUrl: string; secret: string }, body: string): Promise<void> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${secret}` };
  const response = await fetch(webhookUrl, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`a webhook was answered with HTTP ${response.status}: ${text}`);
}
