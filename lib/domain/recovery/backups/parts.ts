import type { Backup } from "#lib/database/generated/client.ts";
import { DomainError } from "../../errors.ts";
import type { PartSource } from "../archive/pack.ts";
import type { RecoveryContext } from "../context.ts";
import type { Subject } from "../schemas.ts";
import { resolvePostgres, resolveRedis, type SecretAddress } from "../sources/addresses.ts";
import { logsPart } from "../sources/logs.ts";
import { objectsPart } from "../sources/objects.ts";
import { postgresPart } from "../sources/postgres.ts";
import { postgresBasePart } from "../sources/postgres-base.ts";
import { basePart } from "../sources/postgres-base-facts.ts";
import { redisPart } from "../sources/redis.ts";
import { patiently } from "./patience.ts";
import { readContents } from "./plans.ts";
import { keepRoom } from "./room.ts";
import type { Contents } from "./schemas.ts";
import { subjectOf } from "./subjects.ts";

/** What goes into a backup, part by part. An address is looked up when its part is opened: a failure is that part's alone. */
export function partsOf(
  context: RecoveryContext,
  backup: Pick<Backup, "namespace" | "service" | "contents" | "purpose">,
): PartSource[] {
  const subject = subjectOf(backup);
  const { postgres, redis, objects, logHours } = readContents(backup);
  const parts: PartSource[] = [];
  if (postgres) parts.push(postgresOf(context, subject, postgres));
  if (subject.kind === "service" && postgres?.address && postgres.walArchive !== undefined) {
    parts.push(baseOf(context, subject.ref.namespace, { address: postgres.address, walArchive: postgres.walArchive }));
  }
  if (redis) parts.push(redisOf(context, subject, redis));
  if (subject.kind === "service" && objects) parts.push(objectsPart(context, subject));
  if (subject.kind === "service" && logHours !== null) parts.push(logsPart(context, subject, logHours));
  // Somebody who waits for a backup is to be told at once.
  const tried = backup.purpose === "scheduled" ? parts.map((part) => patiently(part)) : parts;
  return keepRoom(tried, context.storage);
}

function postgresOf(
  { kubernetes, ownDatabaseUrl }: RecoveryContext,
  subject: Subject,
  { address, tables }: NonNullable<Contents["postgres"]>,
): PartSource {
  if (subject.kind === "switchyard") return postgresPart({ url: ownDatabaseUrl }, { tables });
  return lookedUp("postgres", "PostgreSQL", async () => {
    if (address === null) {
      throw new DomainError("precondition-failed", "The plan names no Secret that holds the address of its PostgreSQL: set one.");
    }
    return postgresPart(await resolvePostgres(kubernetes, subject.ref.namespace, address), { tables });
  });
}

/** A part of its own: a dump is as good without it. */
function baseOf(
  { kubernetes, storage: { mostBytes } }: RecoveryContext,
  namespace: string,
  { address, walArchive }: { address: SecretAddress; walArchive: string },
): PartSource {
  return lookedUp(basePart, "Base backup of the PostgreSQL server", async () =>
    postgresBasePart(await resolvePostgres(kubernetes, namespace, address), { walArchive, mostBytes }),
  );
}

function redisOf({ kubernetes, workDir }: RecoveryContext, subject: Subject, redis: NonNullable<Contents["redis"]>): PartSource {
  const namespace = subject.kind === "service" ? subject.ref.namespace : "";
  return lookedUp("redis", "Redis", async () => redisPart(await resolveRedis(kubernetes, namespace, redis), workDir));
}

function lookedUp(name: string, title: string, find: () => Promise<PartSource>): PartSource {
  return { name, title, open: async (signal) => (await find()).open(signal) };
}
