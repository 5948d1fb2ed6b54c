import type { TargetKind, TargetSettings } from "#lib/domain/notifications/schemas.ts";

/**
 * The settings of a target as they were entered; null when nothing is to change. What is secret is never shown, so an empty address
 * or password of a target that is there already means: keep it. A password goes with its user name.
 */
export function readSettings(kind: TargetKind, data: FormData, before: TargetSettings | null): object | null {
  const text = (name: string) => String(data.get(name) ?? "").trim();
  if (kind !== "email") return before && text("url") === "" ? null : { url: text("url") };
  const username = text("username") || null;
  const password = String(data.get("password") ?? "");
  return {
    host: text("host"),
    port: Number(text("port")),
    security: text("security"),
    username,
    from: text("from"),
    to: recipientsOf(text("to")),
    ...(password === "" ? {} : { password }),
  };
}

/** Addresses between commas, semicolons or line ends; a name before an address may hold blanks. */
export function recipientsOf(text: string): string[] {
  return text
    .split(/[,;\n]/)
    .map((one) => one.trim())
    .filter(Boolean);
}

/** What is wrong with a list or with one of its members, each sentence once. */
export function errorsBelow(errors: Record<string, string[]>, field: string): string[] | undefined {
  const found = Object.entries(errors).flatMap(([name, messages]) =>
    name === field || name.startsWith(`${field}.`) ? messages : [],
  );
  return found.length > 0 ? [...new Set(found)] : undefined;
}

/** The words between commas or blanks. */
export const wordsOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);
