/** The value below which `share` of the values lie; NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const around = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return around.reduce((sum, value) => sum + value, 0) / around.length;
}

/** One line of the report: the figure at each size of what grows, and how it grew from the first to the last. */
export type Row = { name: string; unit: string; values: (number | undefined)[]; aim?: { below: number } };

/** The rows under their heads, with how each grew unless the columns are no sizes. */
export function printTable(heads: string[], rows: Row[], { isGrowth = true } = {}): string {
  const hasAims = rows.some(({ aim }) => aim);
  const cells = rows.map(({ name, unit, values, aim }) => {
    const shown = values.filter((value): value is number => value !== undefined);
    const [first, last] = [shown[0], shown.at(-1)];
    const growth = values.length === shown.length && first && last ? `x ${format(last / first)}` : "";
    const kept = aim && last !== undefined ? `< ${aim.below}: ${last < aim.below ? "kept" : "MISSED"}` : "";
    return [unit ? `${name} (${unit})` : name, ...values.map(format), ...(isGrowth ? [growth] : []), ...(hasAims ? [kept] : [])];
  });
  return table([["", ...heads, ...(isGrowth ? ["growth"] : []), ...(hasAims ? ["aim"] : [])], ...cells]);
}

/** Cells under a line of heads, as a Markdown table whose columns stand under each other; the columns after the first to the right. */
export function table(lines: string[][]): string {
  const [heads = [], ...rest] = lines.map((line) => line.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = heads.map((_, column) => Math.max(3, ...[heads, ...rest].map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const pad = (line: string[]) =>
    widths.map((width, column) => (column === 0 ? (line[0] ?? "").padEnd(width) : (line[column] ?? "").padStart(width)));
  return [pad(heads), rule, ...rest.map(pad)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Three digits or more; "-" when there is no number. */
export function format(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value > 0 && value < 0.1 ? 3 : 2);
}
