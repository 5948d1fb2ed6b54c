import type { Backup } from "#lib/database/generated/client.ts";
import type { ServerAddress } from "#lib/database/server-connection.ts";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { refuseDuringRollout } from "../../rollouts/start/waits.ts";
import { parseId, parseInput } from "../../validation.ts";
import { type Manifest, manifestSchema } from "../archive/manifest.ts";
import { backupForRestore } from "../backups/archives.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { objectsFactsSchema } from "../sources/objects.ts";
import { planObjects } from "../sources/objects-apply.ts";
import { comparePostgres, describeUnlogged, listUnlogged } from "../sources/postgres-comparison.ts";
import { type PostgresFacts, postgresFactsSchema } from "../sources/postgres-facts.ts";
import { refuseInstant } from "../sources/postgres-point-in-time.ts";
import { compareRedis } from "../sources/redis-comparison.ts";
import { redisFactsSchema } from "../sources/redis-facts.ts";
import { namespaceOf, postgresPlace, redisPlace } from "./places.ts";
import { previewRestoreSchema, type RestorePreview } from "./schemas.ts";
import { askPointInTime, chooseParts, refuseOtherParts, refuseOwn, requireNamespace } from "./start.ts";
import { restoreName } from "./stored.ts";
import { type DataPlace, findWriters } from "./writers.ts";

type Target = {
  mode: "scratch" | "namespace" | "in-place";
  namespace: string | null;
  intoNamespace: string | null;
  /** The instant that PostgreSQL goes to; null: the backup's. */
  untilTime: string | null;
  backup: Backup;
};
type Findings = Pick<RestorePreview, "changes" | "problems" | "lost"> & {
  places: DataPlace[];
  pointInTime: RestorePreview["pointInTime"];
};

/** What a restore would do, asked of the present now; nothing is written. Operators. `search`: previewRestoreSchema. */
export async function previewRestore(
  context: Context,
  { backupId, search }: { backupId: string; search: unknown },
): Promise<RestorePreview> {
  authorise(context, "operator", "restore a backup");
  const { mode, parts: chosen, intoNamespace, untilTime } = parseInput(previewRestoreSchema, search);
  const backup = await translateDatabaseErrors(() => backupForRestore(context.db, parseId(backupId, "backup")));
  const findings: Findings = {
    changes: [],
    problems: [],
    lost: [],
    places: [],
    pointInTime: { available: false, message: "A point in time is restored in place or into scratch only.", span: null },
  };
  const { problems } = findings;
  const wanted = untilTime && mode === "scratch" ? (chosen ?? ["postgres"]) : chosen;
  const parts = (await collect(problems, () => chooseParts(backup, wanted, mode))) ?? [];
  await collect(problems, () => refuseOwn(backup, mode));
  const into = mode === "namespace" ? await collect(problems, () => requireNamespace(backup, intoNamespace)) : null;
  await collect(problems, () => refuseActive(context, backup, mode));
  if (problems.length > 0) return { ...withoutPlaces(findings), stops: [] };

  const target: Target = { mode, namespace: backup.namespace, intoNamespace: into ?? null, untilTime, backup };
  const manifest = manifestSchema.parse(backup.manifest);
  await previewInstant(context, { parts, target }, findings);
  if (mode === "scratch") {
    findings.changes.push(
      ...parts.map((part) => ({ part, what: "restored beside everything, asked, and removed", before: null, after: null })),
    );
    return { ...withoutPlaces(findings), stops: [] };
  }
  if (parts.includes("postgres")) await previewPostgres(context, manifest, target, findings);
  if (parts.includes("redis")) await previewRedis(context, manifest, target, findings);
  if (parts.includes("objects")) await previewObjects(context, manifest, target, findings);
  const stops =
    mode === "in-place" ? ((await collect(problems, () => findWriters(context.kubernetes, findings.places))) ?? []) : [];
  if (mode === "in-place" && backup.takenAt) findings.lost.unshift(describeLost(backup.takenAt, parts, untilTime));
  return { ...withoutPlaces(findings), stops: stops.map(({ namespace, name, replicas }) => ({ namespace, name, replicas })) };
}

/** To which instants PostgreSQL could go, and what stands against the one that is asked for. */
async function previewInstant(
  context: Context,
  { parts, target: { backup, mode, untilTime } }: { parts: readonly string[]; target: Target },
  findings: Findings,
): Promise<void> {
  const { problems } = findings;
  // What keeps it from being known is a problem only of who wants an instant.
  const answer = await askPointInTime(context, backup, mode).catch((error: unknown) => {
    if (!(error instanceof DomainError)) throw error;
    return { available: false as const, message: error.message, span: null };
  });
  findings.pointInTime = answer;
  if (untilTime === null) return;
  await collect(problems, () => refuseOtherParts(parts, mode));
  await collect(problems, () => refuseInstant(untilTime, answer));
}

function describeLost(takenAt: Date, parts: readonly string[], untilTime: string | null): string {
  const at = takenAt.toISOString();
  if (untilTime === null) return `Everything written after ${at}.`;
  const rest = parts.length > 1 ? `, and in the other parts everything after ${at}` : "";
  return `Everything written to PostgreSQL after ${untilTime}${rest}.`;
}

function withoutPlaces({ places: _, ...rest }: Findings) {
  return rest;
}

async function refuseActive({ db }: Context, { subject, namespace, service }: Backup, mode: Target["mode"]): Promise<void> {
  const active = await db.restore.findUnique({ where: { activeKey: subject } });
  if (active)
    throw new DomainError(
      "precondition-failed",
      `${restoreName(active)} of ${subject} is under way: wait for its end, or cancel it.`,
    );
  if (mode === "in-place" && namespace !== null && service !== null) await refuseDuringRollout(db, { namespace, name: service });
}

async function previewPostgres(context: Context, manifest: Manifest, target: Target, findings: Findings): Promise<void> {
  const facts = postgresFactsSchema.parse(factsOf(manifest, "postgres"));
  if (target.mode === "namespace") {
    findings.changes.push({
      part: "postgres",
      what: `${facts.tables.length} tables of ${facts.database}`,
      before: null,
      after: `as of ${facts.snapshotAt}`,
    });
    return;
  }
  const server = await collect(findings.problems, () => postgresPlace(context, target));
  if (!server) return;
  findings.places.push({ url: server.url, namespace: namespaceOf(target) });
  const checks = await collect(findings.problems, () => comparePostgres(server, facts), server.name);
  if (target.untilTime !== null) await previewUnlogged(server, facts, findings);
  if (!checks) return;
  if (target.untilTime === null) return addDifferences("postgres", checks, findings);
  findings.changes.push({
    part: "postgres",
    what: facts.database,
    before: "as it is",
    after: `as of ${target.untilTime}, counted before anything is stopped`,
  });
}

/** The tables that the backup knows, and those made since. */
async function previewUnlogged(server: ServerAddress, facts: PostgresFacts, { lost }: Findings): Promise<void> {
  const saved = facts.tables.filter(({ isUnlogged }) => isUnlogged).map(({ name }) => name);
  const present = await listUnlogged(server, facts.chosenTables).catch(() => []);
  const sentence = describeUnlogged([...new Set([...saved, ...present])]);
  if (sentence !== null) lost.push(sentence);
}

async function previewRedis(context: Context, manifest: Manifest, target: Target, findings: Findings): Promise<void> {
  const facts = redisFactsSchema.parse(factsOf(manifest, "redis"));
  if (target.mode === "namespace") {
    const keys = facts.databases.reduce((sum, one) => sum + one.keys, 0);
    findings.changes.push({ part: "redis", what: "keys", before: null, after: String(keys) });
    return;
  }
  const server = await collect(findings.problems, () => redisPlace(context, target));
  if (!server) return;
  findings.places.push({ url: server.url, namespace: namespaceOf(target) });
  const checks = await collect(findings.problems, () => compareRedis(server, facts), server.name);
  if (checks) addDifferences("redis", checks, findings);
}

async function previewObjects(context: Context, manifest: Manifest, target: Target, findings: Findings): Promise<void> {
  const facts = objectsFactsSchema.parse(factsOf(manifest, "objects"));
  const planned = (await collect(findings.problems, () => planObjects(context, facts, namespaceOf(target)))) ?? [];
  const words = {
    created: "made anew",
    changed: "as in the backup",
    unknown: "as in the backup; written since, perhaps the same",
  };
  for (const { kind, name, change } of planned) {
    if (change === "same") continue;
    const before = change === "created" ? null : "as it is";
    findings.changes.push({ part: "objects", what: `${kind} ${name}`, before, after: words[change] });
  }
  const same = planned.filter(({ change }) => change === "same").length;
  if (same > 0) findings.changes.push({ part: "objects", what: `${same} objects`, before: "the same", after: "the same" });
}

/** What differs between the present and the backup; of the rest only how much it is. */
function addDifferences(part: string, checks: readonly RecoveryCheck[], { changes, lost }: Findings): void {
  const different = checks.filter(({ passed }) => !passed);
  changes.push(...different.map(({ name, found, wanted }) => ({ part, what: name, before: found, after: wanted })));
  const same = checks.length - different.length;
  if (same > 0) changes.push({ part, what: `${same} of ${checks.length} answers`, before: "the same", after: "the same" });
  lost.push(...different.map(({ name, found, wanted }) => `${name}: ${found} now, ${wanted} in the backup.`));
}

function factsOf({ parts }: Manifest, name: string): unknown {
  return parts.find((part) => part.name === name)?.facts;
}

/** What stands against it becomes a sentence of the preview; `server` is what did not answer. */
async function collect<T>(problems: string[], ask: () => T | Promise<T>, server?: string): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DomainError && error.code === "not-permitted") throw error;
    if (!server && !(error instanceof DomainError)) throw error;
    const message = (error as Error).message;
    problems.push(
      server
        ? `${server} cannot be read now (${message}), nor saved before: it is restored only if you say that the present is lost.`
        : message,
    );
    return undefined;
  }
}
