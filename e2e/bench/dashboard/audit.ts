import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { connectDatabase } from "#lib/database/client.ts";
import { listAudit } from "#lib/domain/audit.ts";
import type { Context } from "#lib/domain/context.ts";
import { databaseUrl, ensureDatabase, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { applyMigrations } from "#prisma/schema-engine.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";
import type { AreaOptions, Section } from "../daemons/report.ts";
import { median } from "../figures.ts";

const goal = 2;
const newest = "2026-11-20T00:00:00Z";

/** Each filter of the audit page; what is rare stays as rare when the table grows. */
const filters: Record<string, Record<string, string>> = {
  "no filter": {},
  "an actor": { actor: "user-7" },
  "a rare actor": { actor: "night-shift" },
  "a verb": { verb: "scale" },
  "a rare verb": { verb: "rotate-key" },
  "an outcome": { outcome: "succeeded" },
  "a rare outcome": { outcome: "refused" },
  "a namespace": { namespace: "fleet" },
  "a service": { namespace: "fleet", target: "service-42" },
  "a target alone": { target: "service-42" },
  "a time": { from: "2026-11-19T00:00:00Z", to: "2026-11-19T12:00:00Z" },
  "a search, common": { search: "reason" },
  "a search, rare": { search: "needle" },
  "a search, nothing": { search: "no such words" },
  "an actor and a rare outcome": { actor: "user-7", outcome: "refused" },
};

/** The first page of each filter while the table grows a thousandfold, each time beside a table that stays small. */
export async function measureAudit({ quick, say }: AreaOptions): Promise<Section> {
  const [smallest = 1000, ...sizes] = quick ? [1000, 100_000] : [1000, 10_000, 100_000, 1_000_000];
  const server = await startPostgres();
  const small = await openTable(server.url("small"));
  const large = await openTable(server.url("large"));
  const times = new Map(Object.keys(filters).map((name): [string, Filtered] => [name, { small: [], large: [], ratios: [] }]));
  try {
    await insertEntries(small.client, 0, smallest);
    for (const [index, size] of sizes.entries()) {
      await insertEntries(large.client, sizes[index - 1] ?? 0, size);
      for (const [name, filter] of Object.entries(filters)) {
        const rounds: { small: number; large: number }[] = [];
        for (let round = 0; round < 25; round += 1)
          rounds.push({ small: await timeOf(small.context, filter), large: await timeOf(large.context, filter) });
        const settled = rounds.slice(5);
        const of = times.get(name);
        of?.small.push(median(settled.map((pair) => pair.small)));
        of?.large.push(median(settled.map((pair) => pair.large)));
        of?.ratios.push(median(settled.map((pair) => pair.large / pair.small)));
      }
      say(`  ${size} rows: slowest ${Math.max(...[...times.values()].map((of) => of.large.at(-1) ?? 0)).toFixed(1)} ms`);
    }
  } finally {
    await small.close();
    await large.close();
    await server.stop();
  }
  const last = (of: number[]) => of.at(-1) ?? Number.NaN;
  const grown = [...times].map(([name, of]) => ({ name, ...of })).toSorted((a, b) => last(b.ratios) - last(a.ratios));
  const [worst] = grown;
  const size = sizes.at(-1)?.toLocaleString("en-US");
  return {
    title: "Audit",
    goals: [
      {
        name: `first page of the filter that grows most (${worst?.name}): ${size} rows beside ${smallest.toLocaleString("en-US")}`,
        unit: "ms",
        ours: last(worst?.large ?? []),
        peer: last(worst?.small ?? []),
        ratio: last(worst?.ratios ?? []),
        wanted: { atMost: goal },
        note: `flat is taken as at most x ${goal}; the median of all filters grows x ${median(grown.map(({ ratios }) => last(ratios))).toFixed(2)}`,
        whenMissed: `PostgreSQL, in ${grown
          .filter(({ ratios }) => last(ratios) > goal)
          .map(({ name, ratios }) => `${name} x ${last(ratios).toFixed(1)}`)
          .join(", ")}`,
      },
    ],
    curves: [
      {
        title: "First page of 50 rows, median; growth against the small table, asked in turns",
        heads: [...[smallest, ...sizes].map((rows) => `${rows.toLocaleString("en-US")} rows`), "growth in turns"],
        rows: [...times].map(([name, of]) => ({ name, unit: "ms", values: [median(of.small), ...of.large, last(of.ratios)] })),
        isGrowth: false,
      },
    ],
  };
}

type Filtered = { small: number[]; large: number[]; ratios: number[] };
type Table = { client: pg.Client; context: Context; close: () => Promise<void> };

async function openTable(url: string): Promise<Table> {
  await applyMigrations(url);
  const client = new pg.Client(url);
  await client.connect();
  const db = connectDatabase(url);
  const context = {
    db,
    actor: { kind: "user", id: null, name: "bench", role: "viewer" },
    clock: () => new Date(),
    requestId: "bench",
  };
  return {
    client,
    context: context as unknown as Context,
    close: async () => {
      await db.$disconnect();
      await client.end();
    },
  };
}

async function timeOf(context: Context, filter: Record<string, string>): Promise<number> {
  const startedAt = performance.now();
  await listAudit(context, { ...filter, limit: "50" });
  return performance.now() - startedAt;
}

async function insertEntries(client: pg.Client, from: number, to: number): Promise<void> {
  await client.query(
    `INSERT INTO audit_entries (id, at, actor_kind, actor_name, verb, target_kind, target_namespace, target_name, reason, outcome, request_id)
     SELECT gen_random_uuid(), timestamptz '${newest}' - n * interval '30 seconds', 'user',
       CASE WHEN n % 1000 = 500 THEN 'night-shift' ELSE 'user-' || n % 40 END,
       CASE WHEN n % 1000 = 7 THEN 'rotate-key' ELSE (ARRAY['scale','restart','set-image','rollback'])[1 + n % 4] END, 'service',
       (ARRAY['fleet','fleet','edge'])[1 + n % 3], 'service-' || n % 100,
       'reason ' || md5(n::text) || CASE WHEN n % 1000 = 3 THEN ' needle' ELSE '' END,
       (CASE WHEN n % 1000 = 9 THEN 'refused' WHEN n % 50 = 1 THEN 'failed' ELSE 'succeeded' END)::"Outcome", 'request'
     FROM generate_series($1::int + 1, $2::int) AS n`,
    [from, to],
  );
  await client.query("VACUUM ANALYZE audit_entries");
}

async function startPostgres(): Promise<{ url: (database: string) => string; stop: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-bench-"));
  chmodSync(dir, 0o755);
  const postgres = { folder: join(dir, "postgres"), port: await freePort(), password: "bench" };
  const supervisor = new Supervisor(dir, () => {});
  supervisor.start(preparePostgres(postgres));
  for (const name of ["small", "large"]) await ensureDatabase(postgres, name, 20_000);
  return {
    url: (database) => databaseUrl(postgres, database),
    stop: async () => {
      await supervisor.stopAll([]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
