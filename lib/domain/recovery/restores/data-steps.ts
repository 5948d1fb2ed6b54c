import type { Backup } from "#lib/database/generated/client.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../../errors.ts";
import type { ManifestPart } from "../archive/manifest.ts";
import { findManifest, openArchive } from "../backups/archives.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { findAddresses } from "../sources/discover.ts";
import type { ManifestObject } from "../sources/object-form.ts";
import { readObjectFile } from "../sources/objects.ts";
import { applyObjects } from "../sources/objects-apply.ts";
import { comparePostgres } from "../sources/postgres-comparison.ts";
import { type PostgresFacts, postgresFactsSchema } from "../sources/postgres-facts.ts";
import { gatherStatistics, type PostgresRestoration, restorePostgres } from "../sources/postgres-restore.ts";
import { compareRedis } from "../sources/redis-comparison.ts";
import { redisFactsSchema } from "../sources/redis-facts.ts";
import { type RedisRestoration, restoreRedis } from "../sources/redis-restore.ts";
import { namespaceOf, postgresPlace, redisPlace, waitForPostgres } from "./places.ts";
import type { Stopped } from "./run.ts";
import type { StoredRestore } from "./stored.ts";

/** What a restore writes from: its own backup, or on the way back the one of the present that was. */
export type Source = {
  context: RecoveryContext;
  row: StoredRestore;
  backup: Backup;
  signal: AbortSignal;
  onProgress?: (message: string) => void;
};

/** What a part of the backup answered when it was saved. Throws precondition-failed when the backup does not have it. */
async function partOf({ context, backup }: Pick<Source, "context" | "backup">, name: string): Promise<ManifestPart> {
  const part = (await findManifest(context, backup))?.parts.find((one) => one.name === name && one.error === null);
  if (part) return part;
  throw new DomainError("precondition-failed", `Backup ${backup.number} does not hold the part ${name}.`);
}

async function postgresFacts(source: Pick<Source, "context" | "backup">): Promise<PostgresFacts> {
  return postgresFactsSchema.parse((await partOf(source, "postgres")).facts);
}

/** Puts the database back to what a dump holds, of the backup or of the database as it was at an instant. */
export async function putBackDump(
  { context, row, signal, onProgress }: Source,
  { dump, facts, tag }: { dump: AsyncIterable<Uint8Array>; facts: PostgresFacts; tag: string },
): Promise<PostgresRestoration> {
  const address = await postgresPlace(context, row);
  await waitForPostgres(address, signal);
  const onBytes = (bytes: number) => onProgress?.(`${Math.round(bytes / 1e6)} MB of the dump`);
  return restorePostgres({ dump, facts, address, tables: facts.chosenTables, tag, signal, onProgress: onBytes });
}

/** Puts the database back. `tag` tells a try from an earlier one of the same. */
export async function putBackPostgres(source: Source, tag: string): Promise<PostgresRestoration> {
  const { context, backup, signal } = source;
  const facts = await postgresFacts(source);
  let done: PostgresRestoration | undefined;
  await openArchive(context, backup, {
    signal,
    onFile: async ({ part }, dump) => {
      if (part !== "postgres") return "skip";
      done = await putBackDump(source, { dump, facts, tag });
      return done.how === "already" ? "skip" : "read";
    },
  });
  if (!done) throw new DomainError("precondition-failed", `The archive of backup ${backup.number} holds no dump.`);
  return done;
}

export async function putBackRedis(source: Source): Promise<RedisRestoration> {
  const { context, row, backup, signal, onProgress } = source;
  const facts = redisFactsSchema.parse((await partOf(source, "redis")).facts);
  const address = await redisPlace(context, row);
  const { workDir } = context;
  let done: RedisRestoration | undefined;
  await openArchive(context, backup, {
    signal,
    onFile: async ({ part }, rdb) => {
      if (part !== "redis") return "skip";
      const onKeys = (keys: number, total: number) => onProgress?.(`${keys} of ${total} keys`);
      done = await restoreRedis({ rdb, facts, address, workDir, signal, onProgress: onKeys });
      return "read";
    },
  });
  if (!done) throw new DomainError("precondition-failed", `The archive of backup ${backup.number} holds no RDB.`);
  return done;
}

/** The objects of the archive. */
export async function readObjects({
  context,
  backup,
  signal,
}: Pick<Source, "context" | "backup" | "signal">): Promise<ManifestObject[]> {
  const objects: ManifestObject[] = [];
  await openArchive(context, backup, {
    signal,
    onFile: async ({ part, name }, content) => {
      if (part !== "objects") return "skip";
      objects.push(await readObjectFile(name, content));
      return "read";
    },
  });
  return objects;
}

const workloadKinds = ["Deployment", "StatefulSet"];

/** The workloads of the archive that read an address from their environment, with their instances; what they name is there by now. */
async function writersOf(
  { context, row }: Pick<Source, "context" | "row">,
  objects: readonly ManifestObject[],
): Promise<Stopped[]> {
  const namespace = namespaceOf(row);
  const writers: Stopped[] = [];
  for (const object of objects.filter(({ kind }) => workloadKinds.includes(kind))) {
    const workload = object as unknown as Workload;
    const replicas = workload.spec.replicas ?? 1;
    const addresses = await findAddresses(context.kubernetes, namespace, workload);
    if (addresses.length > 0) writers.push({ kind: workload.kind, namespace, name: object.metadata.name, replicas });
  }
  return writers;
}

/** The stopped workloads, those of the archive with the instances that it says. */
function merge(stopped: readonly Stopped[], writers: readonly Stopped[]): Stopped[] {
  const nameOf = ({ kind, namespace, name }: Stopped) => `${kind}/${namespace}/${name}`;
  return [...new Map([...stopped, ...writers].map((one) => [nameOf(one), one])).values()];
}

type ObjectsOptions = {
  /** Null when nothing is stopped and what the archive has of workloads begins at once. */
  stopped: readonly Stopped[] | null;
  /** Called before a workload is written: what is stopped now, and to be started afterwards. */
  onStopped: (stopped: Stopped[]) => Promise<void>;
};

/** Puts the objects back; workloads whose data are not back yet get no instances. */
export async function putBackObjects(source: Source, { stopped, onStopped }: ObjectsOptions): Promise<string> {
  const { context, row } = source;
  const objects = await readObjects(source);
  const namespace = namespaceOf(row);
  const isWorkload = ({ kind }: ManifestObject) => workloadKinds.includes(kind);
  const first = await applyObjects(
    context,
    objects.filter((one) => !isWorkload(one)),
    { namespace },
  );
  let all = stopped;
  if (all !== null) {
    all = merge(all, await writersOf(source, objects));
    await onStopped([...all]);
  }
  const replicas = new Map((all ?? []).filter((one) => one.namespace === namespace).map(({ name }) => [name, 0]));
  const second = await applyObjects(context, objects.filter(isWorkload), { namespace, replicas });
  const counted = Map.groupBy([...first, ...second], ({ change }) => change);
  const count = (change: "created" | "changed" | "same") => counted.get(change)?.length ?? 0;
  return `${count("created")} made, ${count("changed")} changed, ${count("same")} the same.`;
}

type Comparison = {
  parts: readonly string[];
  stopped: readonly Stopped[];
  /** What PostgreSQL answered as of an instant; absent for that of the backup. */
  recovered: PostgresFacts | undefined;
};

/** Asks what was restored the questions that were asked when it was saved. */
export async function compareAll(source: Source, { parts, stopped, recovered }: Comparison): Promise<RecoveryCheck[]> {
  const checks: RecoveryCheck[] = [];
  if (parts.includes("postgres")) {
    // Before anybody asks it for anything: a database that was swapped in is planned by a few rows a table.
    const gathered = gatherStatistics(await postgresPlace(source.context, source.row));
    const [answers] = await Promise.all([comparePostgresPart(source, recovered), gathered]);
    checks.push(...answers);
  }
  if (parts.includes("redis")) checks.push(...(await compareRedisPart(source)));
  if (parts.includes("objects")) checks.push(await compareObjects(source, stopped));
  return checks;
}

export async function comparePostgresPart(source: Source, recovered?: PostgresFacts): Promise<RecoveryCheck[]> {
  return comparePostgres(await postgresPlace(source.context, source.row), recovered ?? (await postgresFacts(source)));
}

export async function compareRedisPart(source: Source): Promise<RecoveryCheck[]> {
  const facts = redisFactsSchema.parse((await partOf(source, "redis")).facts);
  return compareRedis(await redisPlace(source.context, source.row), facts);
}

async function compareObjects(source: Source, stopped: readonly Stopped[]): Promise<RecoveryCheck> {
  const objects = await readObjects(source);
  const namespace = namespaceOf(source.row);
  const replicas = new Map(stopped.filter((one) => one.namespace === namespace).map(({ name }) => [name, 0]));
  const found = await applyObjects(source.context, objects, { namespace, replicas, dryRun: true });
  const different = found.filter(({ change }) => change !== "same").map(({ kind, name }) => `${kind} ${name}`);
  const wanted = `${objects.length} as in the backup`;
  return {
    name: "Kubernetes objects",
    wanted,
    found: different.length === 0 ? wanted : `others: ${different.join(", ")}`,
    passed: different.length === 0,
  };
}
