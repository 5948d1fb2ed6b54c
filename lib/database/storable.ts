import type { Prisma } from "#lib/database/generated/client.ts";

/** Text as PostgreSQL stores it: neither the character 0 nor half a surrogate pair; one of them must not keep all the rest out. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** The same for the names and texts of a map. */
export function storableMap(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map((entry) => entry.map(storableText)));
}

/** JSON with texts that PostgreSQL can store. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (typeof part === "string" ? storableText(part) : part));
}

/** A plain value as a column of JSON takes it. */
export function toJson(value: object): Prisma.InputJsonValue {
  return JSON.parse(storableJson(value));
}
