import { formatUtc } from "../../times.ts";
import type { ManifestPart } from "../archive/manifest.ts";
import { logsFactsSchema } from "../sources/logs.ts";
import { objectsFactsSchema } from "../sources/objects.ts";
import { basePart, postgresBaseFactsSchema } from "../sources/postgres-base-facts.ts";
import { postgresFactsSchema } from "../sources/postgres-facts.ts";
import { redisFactsSchema } from "../sources/redis-facts.ts";
import { sizeOf } from "./progress.ts";
import type { PartView } from "./schemas.ts";
import { formatBytes } from "./texts.ts";

type Facts = PartView["facts"];
type Version = { name: string; version: string };

/** A part as people see it, and the version of what it was read from where it has one. */
export function viewPart(part: ManifestPart): PartView & { version: Version | null } {
  const { name, title, files } = part;
  const { facts, version } = (views[name] ?? unknown)(part.facts);
  return { name, title, bytes: sizeOf(part), files: files.length, facts, version };
}

type View = (facts: unknown) => { facts: Facts; version: Version | null };

const unknown: View = () => ({ facts: [], version: null });

const views: Record<string, View> = {
  postgres(column) {
    const { data } = postgresFactsSchema.safeParse(column);
    if (!data) return unknown(column);
    const { database, tables, snapshotAt, databaseBytes, walPosition, chosenTables, dumpVersion, serverVersion } = data;
    const rows = tables.reduce((sum, one) => sum + one.rows, 0);
    const facts = [
      { label: "Database", value: chosenTables === null ? database : `${database}, ${countOf(chosenTables, "table")} chosen` },
      { label: "As of", value: formatUtc(snapshotAt) },
      { label: "Rows", value: `${number(rows)} in ${countOf(tables, "table")}` },
      ...tables.map(({ name, rows: count, highest }) => ({
        label: name,
        value: `${number(count)} ${count === 1 ? "row" : "rows"}${highest ? `, highest ${highest.column} ${highest.value}` : ""}`,
      })),
      { label: "Size in the server", value: formatBytes(databaseBytes) },
      { label: "WAL position", value: walPosition },
      { label: "Written by", value: `pg_dump ${dumpVersion}` },
    ];
    return { facts, version: { name: "PostgreSQL", version: serverVersion } };
  },
  [basePart](column) {
    const { data } = postgresBaseFactsSchema.safeParse(column);
    if (!data) return unknown(column);
    const facts = [
      { label: "Point in time", value: `from ${formatUtc(data.finishedAt)} on` },
      { label: "WAL archive", value: data.walArchive },
      { label: "WAL positions", value: `${data.startLsn} to ${data.stopLsn}, timeline ${data.timeline}` },
      { label: "System identifier", value: data.systemIdentifier },
    ];
    return { facts, version: null };
  },
  redis(column) {
    const { data } = redisFactsSchema.safeParse(column);
    if (!data) return unknown(column);
    const facts = [
      { label: "As of", value: formatUtc(data.snapshotAt) },
      ...data.databases.map(({ index, keys, expiring }) => ({
        label: `Database ${index}`,
        value: `${number(keys)} ${keys === 1 ? "key" : "keys"}, of which ${number(expiring)} expire`,
      })),
    ];
    return { facts, version: { name: "Redis", version: data.serverVersion } };
  },
  objects(column) {
    const { data } = objectsFactsSchema.safeParse(column);
    if (!data) return unknown(column);
    const byKind = [...Map.groupBy(data.objects, ({ kind }) => kind)];
    const facts = [
      ...byKind.map(([label, objects]) => ({ label, value: objects.map(({ name }) => name).join(", ") })),
      ...data.certificates.map(({ secret, names, notAfter }) => ({
        label: `Certificate in ${secret}`,
        value: `${names.join(", ")}, good until ${formatUtc(notAfter, "minute")}`,
      })),
      ...(data.missing.length > 0 ? [{ label: "Named, but not in the cluster", value: data.missing.join(", ") }] : []),
    ];
    return { facts, version: null };
  },
  logs(column) {
    const { data } = logsFactsSchema.safeParse(column);
    if (!data) return unknown(column);
    const facts = data.logs.map(({ pod, container, previous, bytes }) => ({
      label: `${pod}/${container}${previous ? ", before its last restart" : ""}`,
      value: formatBytes(bytes),
    }));
    return { facts, version: null };
  },
};

function countOf({ length }: readonly unknown[], noun: string): string {
  return `${length} ${noun}${length === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
