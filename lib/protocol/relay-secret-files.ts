import { readFileSync } from "node:fs";

/**
 * The environment with each of `names` that is not set taken from the file that NAME_FILE points to (one trailing newline is cut
 * off). A file that cannot be read leaves the variable unset and NAME_FILE in place, for the schema to complain about.
 */
export function withSecretFiles(source: Record<string, string | undefined>, names: string[]): Record<string, string | undefined> {
  const filled = { ...source };
  for (const name of names) {
    const path = source[`${name}_FILE`];
    if (!path || source[name]) continue;
    try {
      filled[name] = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    } catch {
      filled[name] = "";
    }
  }
  return filled;
}
