import { type APIRequestContext, expect, test } from "@playwright/test";
import pg from "pg";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { type ObservationsPage, observationsSchema } from "#lib/protocol/observations.ts";
import { backUp } from "../backup-api.ts";
import { kubectl, readPods, readService } from "../fleet-api.ts";
import { print, untilRelayIsQuick } from "../incident-page.ts";
import { system } from "../system.ts";

/**
 * The relay's database and Redis are backed up, then lost (Redis with its disk), then restored from that backup, while the prober goes
 * on writing. Its ledger lies outside of what is lost.
 */

test.setTimeout(900_000);

const subject = "fleet/relay";
const patience = { timeout: 240_000, intervals: [500] };
/** A write that is committed and whose acknowledgement its client never saw; each client has one under way at most. */
const clients = 12;

test("every write that was acknowledged before the backup is there after database and Redis are lost, and the loss after it is counted", async ({
  page: { request },
}) => {
  await untilRelayIsQuick(request);
  const backup = await backUp(request, { subject, reason: "before everything is lost" });
  const facts = backup.parts.find(({ name }) => name === "postgres");
  expect(facts, "the archive holds the database").toBeDefined();
  expect(backup.parts.map(({ name }) => name)).toEqual(expect.arrayContaining(["postgres", "redis", "objects"]));
  const atBackup = await observe();

  await expect(async () => {
    expect((await observe()).ledger.acknowledged).toBeGreaterThan(atBackup.ledger.acknowledged + 100);
  }).toPass(patience);
  const committed = await destroyDatabase();
  const atLoss = await observe();
  // What a drill before this has taken for good is not this one's.
  const lostOf = ({ ledger }: ObservationsPage) => ledger.lost - atBackup.ledger.lost;
  expect(lostOf(atLoss)).toBe(0);
  destroyRedis();
  print(`lost with ${committed} operations in it; the prober had ${atLoss.ledger.acknowledged} acknowledged`);

  const restore = await restoreInPlace(request, backup.backup.id);
  print(`restored: ${restore.message}`);
  for (const check of restore.checks) expect(check, check.name).toMatchObject({ passed: true });
  await expect(async () => {
    expect(await readService(request, "relay")).toMatchObject({ health: "healthy", desired: 3 });
  }).toPass(patience);

  const kept = rowsOf(restore, "operations");
  const missing = committed - kept;
  // The partner of each write has been connected again for long enough once as much is found as is missing, and no more comes.
  await expect(async () => {
    const now = await observe();
    const { ledger } = now;
    expect(ledger.unsettled).toBeLessThan(clients * 20);
    expect(lostOf(now)).toBeGreaterThanOrEqual(missing - clients);
    expect(ledger.oldestUnsettledAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(Date.parse(restore.finishedAt ?? ""));
  }).toPass(patience);
  const after = await observe();
  const { ledger } = after;
  const lost = lostOf(after);
  const takenAt = Date.parse(backup.backup.takenAt ?? "");
  const early = ledger.losses.filter(([acknowledgedAt, foundAt]) => acknowledgedAt <= takenAt && foundAt >= atLoss.at);
  print(
    `${kept} operations of the backup are there; ${missing} were committed after it, of which ${lost} had been acknowledged ` +
      `and are counted as lost; ${early.length} acknowledged before the backup are missing`,
  );
  expect(early).toEqual([]);
  expect(lost).toBeLessThanOrEqual(missing);
  expect(missing - lost).toBeLessThanOrEqual(clients);
  expect(ledger.duplicated).toBe(atLoss.ledger.duplicated);
});

async function restoreInPlace(request: APIRequestContext, backupId: string): Promise<RestoreView> {
  const asked = await request.post(`/api/backups/${backupId}/restores`, {
    data: {
      mode: "in-place",
      parts: ["postgres", "redis"],
      confirm: subject,
      isPresentLost: true,
      reason: "database and Redis are lost",
    },
    headers: headers(),
  });
  expect(asked.ok(), await asked.text()).toBe(true);
  const { id } = await asked.json();
  const read = async (): Promise<RestoreView> => (await request.get(`/api/restores/${id}`)).json();
  await expect(async () => {
    expect((await read()).finishedAt).not.toBeNull();
  }).toPass(patience);
  const restore = await read();
  expect(restore, JSON.stringify(restore.steps)).toMatchObject({ state: "completed" });
  return restore;
}

/** Ends every session of the relay, counts what is committed, and drops the database. */
async function destroyDatabase(): Promise<number> {
  const password = Buffer.from(
    kubectl("-n", "fleet", "get", "secret", "postgres-credentials", "-o", "jsonpath={.data.password}"),
    "base64",
  ).toString();
  const host = kubectl("-n", "fleet", "get", "service", "postgres", "-o", "jsonpath={.spec.clusterIP}");
  const connect = (database: string) => new pg.Client({ host, user: "relay", password, database });
  const admin = connect("postgres");
  const inside = connect("relay");
  await Promise.all([admin.connect(), inside.connect()]);
  const others = "FROM pg_stat_activity WHERE datname = 'relay' AND application_name <> 'destroyer'";
  await inside.query("SET application_name = 'destroyer'");
  await admin.query("ALTER DATABASE relay WITH ALLOW_CONNECTIONS false");
  await admin.query(`SELECT pg_terminate_backend(pid) ${others}`);
  await expect.poll(async () => (await admin.query(`SELECT count(*)::int AS open ${others}`)).rows[0].open).toBe(0);
  const { rows } = await inside.query<{ count: number }>("SELECT count(*)::int AS count FROM operations");
  await inside.end();
  // Gone, not empty: in an empty one the relay would begin a history of its own, and acknowledge it.
  await admin.query("DROP DATABASE relay");
  await admin.end();
  return rows[0]?.count ?? 0;
}

function destroyRedis(): void {
  kubectl("-n", "fleet", "delete", "pvc", "data-redis-0", "--wait=false");
  kubectl("-n", "fleet", "delete", "pod", "redis-0", "--grace-period=0", "--force");
}

async function observe(): Promise<ObservationsPage> {
  const [prober] = await readPods("prober");
  const answer = await fetch(`http://${prober?.status?.podIP}:8080/observations?target=relay&since=0`);
  return observationsSchema.parse(await answer.json());
}

/** How many rows the restored table had before anybody wrote to it again. */
function rowsOf({ checks }: RestoreView, table: string): number {
  const check = checks.find(({ name }) => name.includes(table));
  expect(check, JSON.stringify(checks)).toBeDefined();
  return Number(check?.found.split(" row")[0]?.replaceAll(",", ""));
}

function headers() {
  return { "Idempotency-Key": crypto.randomUUID(), Origin: system.url };
}
