import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** What a file imports of this project when it runs; types are not there then. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, "utf8");
  const found = code.matchAll(/^(?:import|export)\s(?!type\b)(?:[^;"]*?\sfrom\s)?"((?:#lib\/|\.)[^"]+)"/gm);
  return [...found].map(([, to = ""]) => (to.startsWith("#") ? join(root, to.slice(1)) : resolve(dirname(file), to)));
}

/** The way from a page or a route to the first file under a folder, along what is imported; null when there is none. */
function wayTo(folder: string): string[] | null {
  const starts = globSync("app/**/{page,layout,route}.{ts,tsx}", { cwd: root }).map((file) => [join(root, file)]);
  const seen = new Set<string>();
  for (const queue = starts; queue.length > 0; ) {
    const way = queue.shift() ?? [];
    const file = way.at(-1) ?? "";
    if (seen.has(file) || !existsSync(file) || !/\.tsx?$/.test(file)) continue;
    seen.add(file);
    if (relative(root, file).startsWith(folder)) return way.map((each) => relative(root, each));
    queue.push(...importsOf(file).map((next) => [...way, next]));
  }
  return null;
}

it("follows what pages and routes import, as far as the database's client", () => {
  expect(wayTo("lib/database/client.ts")?.length).toBeGreaterThan(1);
});

it("brings no program of the machine into the web, whose build traces all that they could open", () => {
  expect(wayTo("lib/programs/")).toBeNull();
});
