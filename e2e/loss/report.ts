import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import type { Verdict } from "./history.ts";

/** What came of a case: a verdict over all its rounds, or why it was not run. */
export type CaseResult = { name: string; rounds: number; seconds: number; isPeer?: boolean } & (
  | { verdict: Verdict }
  | { skipped: string }
);

const columns = [
  "sent",
  "acknowledged",
  "delivered",
  "lost",
  "duplicates",
  "reordered",
  "dropped",
  "refused",
  "unconfirmed",
] as const;

const heads = ["case", "rounds", ...columns, "seconds", ""];

/** The results as one table of text, and what was wrong under it. */
export function textReport(results: readonly CaseResult[]): string {
  const table = [heads, ...results.map(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...remarksOn(results)].join("\n");
}

/** The results as a page of Markdown, with when, on what and of which commit they are. */
export function markdownReport(results: readonly CaseResult[], command: string): string {
  return `# Loss accounting: results\n\n${section(results, command)}`;
}

function section(results: readonly CaseResult[], command: string): string {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = heads.map((_, column) => (column === 0 || column === heads.length - 1 ? "---" : "---:"));
  const remarks = remarksOn(results).map((remark) => `* ${remark}`);
  return `${[
    `${new Date().toISOString()}, commit ${commit()}, ${machine()}, by \`${command}\`. The README beside this page says what the columns mean.`,
    "",
    row(heads.map((head) => head || "verdict")),
    row(rule),
    ...results.map((result) => row(cellsOf(result))),
    ...(remarks.length > 0 ? ["", ...remarks] : []),
  ].join("\n")}\n`;
}

function cellsOf(result: CaseResult): string[] {
  const { name, rounds, seconds, isPeer } = result;
  if ("skipped" in result) return [name, "0", ...columns.map(() => "-"), "-", "skipped"];
  const { verdict } = result;
  const counts = columns.map((column) => String(verdict[column]));
  return [name, String(rounds), ...counts, seconds.toFixed(0), isPeer ? "peer" : verdict.passes ? "ok" : "FAULT"];
}

function remarksOn(results: readonly CaseResult[]): string[] {
  return results.flatMap((result) => {
    const { wrong, measured } = "skipped" in result ? { wrong: [`skipped: ${result.skipped}`], measured: [] } : result.verdict;
    return [...wrong.slice(0, 5), ...measured].map((what) => `${result.name}: ${what}`);
  });
}

const repeatsHead = "## Repeats";

/** The page with the full run's table in place of the one before; the table of repeats stays. */
export function replaceRun(page: string, run: string): string {
  const at = page.indexOf(`\n${repeatsHead}`);
  return at < 0 ? run : `${run}${page.slice(at)}`;
}

/** The page with another table of repeats under that of the full run, which stays. */
export function replaceRepeats(page: string, results: readonly CaseResult[], command: string): string {
  const at = page.indexOf(`\n${repeatsHead}`);
  return `${at < 0 ? page : page.slice(0, at)}\n${repeatsHead}\n\n${section(results, command)}`;
}

function commit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).stdout?.trim();
  const changed = git("status", "--porcelain", "--", "../../lib", "../../services", ".") ? " with changes" : "";
  return `${git("rev-parse", "--short", "HEAD") || "unknown"}${changed}`;
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${cpus().length} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
}
