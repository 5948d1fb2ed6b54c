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

/** One line of the report: the figure at each size of the cluster, and how it grew from the first to the last. */
export type Row = { name: string; unit: string; values: (number | undefined)[]; aim?: { below: number } };

export function printTable(heads: string[], rows: Row[]): string {
  const cells = rows.map(({ name, unit, values, aim }) => {
    const shown = values.filter((value): value is number => value !== undefined);
    const [first, last] = [shown[0], shown.at(-1)];
    const growth = values.length === shown.length && first && last ? `x ${format(last / first)}` : "";
    const kept = aim && last !== undefined ? `< ${aim.below}: ${last < aim.below ? "kept" : "MISSED"}` : "";
    return [`${name} (${unit})`, ...values.map(format), growth, kept];
  });
  const table = [["", ...heads, "growth", "aim"], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length))) ?? [];
  return table
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))))
    .map((row) => row.join("  ").trimEnd())
    .join("\n");
}

function format(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
