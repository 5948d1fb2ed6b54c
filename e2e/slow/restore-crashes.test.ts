import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backup } from "#lib/database/generated/client.ts";
import { as, make } from "#lib/domain/recovery/backups/test-backups.ts";
import { getRestore } from "#lib/domain/recovery/restores/queries.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { startRestore } from "#lib/domain/recovery/restores/start.ts";
import { type RecoveryWorld, startRecoveryWorld } from "#lib/domain/recovery/test-recovery.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { sweepScratch } from "#lib/programs/scratch.ts";
import { Random } from "../conformance/fuzz/random.ts";
import { Controllers } from "./crashes/controllers.ts";
import { startToldPrometheus } from "./crashes/told-prometheus.ts";

/**
 * kill -9 of the controller, or of its recovery process alone, at random instants of restores in place: the database is what the backup
 * holds or what it was before, never anything between, and what was stopped runs again.
 */

const crashes = Number(process.env.SWITCHYARD_CRASHES ?? 50);
const seed = Number(process.env.SWITCHYARD_CRASH_SEED ?? 20_261_123);
const longestLifeMs = 6_000;
const rows = 100_000;
const relayPath = paths.workload("Deployment", "fleet", "relay");

let world: RecoveryWorld;
let controllers: Controllers;
let prometheus: Awaited<ReturnType<typeof startToldPrometheus>>;
let backup: Backup;

beforeAll(async () => {
  [world, prometheus] = await Promise.all([startRecoveryWorld(), startToldPrometheus()]);
  await world.query(`INSERT INTO documents (body) SELECT md5(random()::text) FROM generate_series(1, ${rows})`);
  await world.kubernetes.patch(relayPath, [
    { op: "add", path: "/metadata/annotations/switchyard.dev~1database-secret", value: "relay-database/url" },
  ]);
  backup = await make(world);
  controllers = new Controllers({
    databaseUrl: world.recovery.ownDatabaseUrl,
    kubeconfig: world.cluster.kubeconfig,
    prometheusUrl: prometheus.url,
    folder: dirname(world.folder),
    backupKey: world.backupKey,
  });
}, 120_000);
afterAll(async () => {
  await controllers?.stop();
  prometheus?.stop();
  await world?.stop();
}, 60_000);

/** A number that tells one state of the database from every other. */
async function digest(): Promise<string> {
  const [row] = await world.query(
    "SELECT count(*) || ' ' || coalesce(sum(hashtext(id || body)::bigint), 0) AS digest FROM documents",
  );
  return String(row?.digest);
}

async function begin(): Promise<string> {
  const body = { mode: "in-place", confirm: "fleet/relay", reason: "carried out while controllers are killed" };
  const { id } = await startRestore(as(world, "admin"), { backupId: backup.id, body, key: randomUUID() });
  return id;
}

/** Steps that last too short to be struck by chance alone. */
const shortSteps = [
  "Stop what writes.",
  "Restore PostgreSQL.",
  "Restore the Kubernetes objects.",
  "Hold what was restored against the backup.",
];

/** A random time after now, or a moment after a step has begun that lasts a moment. */
async function waitForMoment(id: string, random: Random): Promise<RestoreView> {
  if (random.chance(0.3)) {
    await sleep(random.below(longestLifeMs));
    return getRestore(world.context, id);
  }
  const title = shortSteps[random.below(shortSteps.length)];
  const begun = async () => {
    const view = await getRestore(world.context, id);
    return view.message === title || view.finishedAt !== null ? view : null;
  };
  const view = await until(`${title} begins`, begun, 180_000);
  await sleep(random.below(400));
  return view.finishedAt === null ? getRestore(world.context, id) : view;
}

/** The restore, as soon as it is so far. */
function reach(id: string, where: "begun" | "any" | "over"): Promise<RestoreView> {
  const isThere = ({ startedAt, finishedAt }: RestoreView) =>
    where === "any" || (where === "begun" ? startedAt !== null : finishedAt !== null);
  const ask = async () => {
    const restore = await getRestore(world.context, id);
    return isThere(restore) ? restore : null;
  };
  return until(`the restore is ${where}`, ask, 180_000);
}

test(`through ${crashes} kills a database is as in the backup or as before, and its service runs (seed ${seed})`, async () => {
  const random = new Random(seed);
  const restored = await digest();
  const struck = new Map<string, number>();
  const ends = new Map<string, number>();
  await controllers.start(1);
  let crash = 0;
  for (let round = 0; crash < crashes; round += 1) {
    await world.query(
      `DELETE FROM operations; DELETE FROM documents WHERE id % 2 = 0; UPDATE documents SET body = 'round ${round}'`,
    );
    const present = await digest();
    const id = await begin();
    const killUntil = crash + 1 + random.below(6);
    for (let view = await reach(id, "begun"); crash < killUntil && view.finishedAt === null; view = await reach(id, "any")) {
      const { state, message } = await waitForMoment(id, random);
      if (state !== "running" && state !== "queued") break;
      struck.set(message, (struck.get(message) ?? 0) + 1);
      crash += 1;
      if (random.chance(0.5) || !controllers.killRecovery(0)) await controllers.replace(0);
    }
    const { state, message } = await reach(id, "over");
    process.stdout.write(`round ${round}: ${message}\n`);
    ends.set(state, (ends.get(state) ?? 0) + 1);
    const wanted = state === "completed" ? restored : present;
    expect({ round, state, message, digest: await digest() }).toEqual({ round, state, message, digest: wanted });
    expect((await world.kubernetes.get<Workload>(relayPath)).spec.replicas, message).toBe(3);
    const [own] = await world.query("SELECT current_database() AS name");
    const others = await world.query(`SELECT datname FROM pg_database WHERE datname ~ '${String(own?.name)}.'`);
    expect(others, message).toEqual([]);
    expect(await world.db.restore.count({ where: { OR: [{ activeKey: { not: null } }, { runner: { not: null } }] } })).toBe(0);
  }
  process.stdout.write(
    `struck while: ${JSON.stringify(Object.fromEntries(struck))}; ends: ${JSON.stringify(Object.fromEntries(ends))}\n`,
  );
  expect(struck.size).toBeGreaterThan(3);
  expect(ends.get("completed")).toBeGreaterThan(0);

  await controllers.stop();
  await sweepScratch(world.recovery.workDir);
  expect(existsSync(world.recovery.workDir) ? readdirSync(world.recovery.workDir) : []).toEqual([]);
  const left = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  expect(left.split("\n").filter((line) => line.includes(world.recovery.workDir))).toEqual([]);
}, 1_800_000);
