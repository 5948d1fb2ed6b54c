import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectDatabase } from "#lib/database/client.ts";
import { runStorm } from "../../../e2e/bench/alerts/storm.ts";
import { startWebhookServer } from "../../../e2e/bench/alerts/webhook-server.ts";
import { createTestDatabase, testServerVariable } from "../../../e2e/postgres.ts";

let world: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  world = await createTestDatabase();
});
afterAll(() => world?.drop());

/** Cuts every connection to a database and lets none in, until `end`. */
async function makeOutage(url: string) {
  const server = new pg.Client({ connectionString: process.env[testServerVariable] });
  await server.connect();
  const name = new URL(url).pathname.slice(1);
  return {
    begin: async () => {
      await server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
    },
    end: async () => {
      await server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    },
    close: () => server.end(),
  };
}

// The long version with 10,000 alerts is `npm run bench:alerts`.
test("a storm of alerts from two Alertmanagers is stored once and whole, though the database is away in the middle", async () => {
  const outage = await makeOutage(world.url);
  const server = await startWebhookServer(world.url);
  const db = connectDatabase(world.url, { maxConnections: 3 });
  try {
    const { verdict, attempts, truncated } = await runStorm({
      db,
      databaseUrl: world.url,
      webhookUrl: `${server.url}/storm`,
      sourceName: "storm",
      secret: "swa_the-secret-of-a-storm-in-a-test-0123456789",
      alerts: 300,
      ms: 4_000,
      outage: { fromMs: 1_300, forMs: 1_000, ...outage },
      pollMs: 300,
      groupWaitMs: 100,
      groupIntervalMs: 500,
      maxAlerts: 12,
      maxUntoldShare: 0.1,
      seed: 7,
    });
    expect(verdict.examples).toEqual([]);
    expect(verdict).toMatchObject({ passes: true, lost: 0, duplicates: 0, happened: 300 });
    expect(attempts.unavailable).toBeGreaterThan(0);
    expect(attempts.refused).toBe(0);
    expect(truncated).toBeGreaterThan(0);
  } finally {
    await server.stop();
    await db.$disconnect();
    await outage.close();
  }
}, 120_000);
