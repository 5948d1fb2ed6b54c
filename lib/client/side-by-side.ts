import { diffArrays, diffWordsWithSpace } from "diff";

/** A run of text inside a line, changed or not. */
export type Segment = { text: string; changed: boolean };
export type DiffSide = { number: number; segments: Segment[] };
export type DiffRow =
  | { kind: "same"; left: DiffSide; right: DiffSide }
  | { kind: "changed"; left: DiffSide; right: DiffSide }
  | { kind: "removed"; left: DiffSide; right: null }
  | { kind: "added"; left: null; right: DiffSide };
export type DiffBlock = { kind: "rows"; rows: DiffRow[] } | { kind: "folded"; rows: DiffRow[] };

const linesOf = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** Two texts beside each other, line by line, with the words that differ inside changed lines. */
export function sideBySide(before: string, after: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let left = 1;
  let right = 1;
  let removed: string[] = [];
  const flushRemoved = () => {
    for (const line of removed) rows.push({ kind: "removed", left: plain(left++, line), right: null });
    removed = [];
  };
  for (const part of diffArrays(linesOf(before), linesOf(after))) {
    if (part.removed) {
      removed.push(...part.value);
      continue;
    }
    if (!part.added) {
      flushRemoved();
      for (const line of part.value) rows.push({ kind: "same", left: plain(left++, line), right: plain(right++, line) });
      continue;
    }
    for (const [before, after] of pairUp(removed, part.value)) {
      if (before === null) rows.push({ kind: "added", left: null, right: plain(right++, after ?? "") });
      else if (after === null) rows.push({ kind: "removed", left: plain(left++, before), right: null });
      else {
        const [leftSegments, rightSegments] = changedWords(before, after);
        rows.push({
          kind: "changed",
          left: { number: left++, segments: leftSegments },
          right: { number: right++, segments: rightSegments },
        });
      }
    }
    removed = [];
  }
  flushRemoved();
  return rows;
}

/** Puts lines that resemble each other side by side, in order; the rest stand alone, removed ones first. */
function pairUp(removed: string[], added: string[]): [string | null, string | null][] {
  if (removed.length * added.length > 10_000) return [...removed.map(alone), ...added.map(fresh)];
  const width = added.length + 1;
  const best = new Float64Array((removed.length + 1) * width);
  const at = (row: number, column: number) => best[row * width + column] ?? 0;
  for (let row = removed.length - 1; row >= 0; row -= 1) {
    for (let column = added.length - 1; column >= 0; column -= 1) {
      const paired = pairValue(removed[row] ?? "", added[column] ?? "") + at(row + 1, column + 1);
      best[row * width + column] = Math.max(at(row + 1, column), at(row, column + 1), paired);
    }
  }
  const pairs: [string | null, string | null][] = [];
  let row = 0;
  let column = 0;
  while (row < removed.length || column < added.length) {
    const before = removed[row] ?? null;
    const after = added[column] ?? null;
    const value = before === null || after === null ? 0 : pairValue(before, after);
    if (value > 0 && at(row, column) === value + at(row + 1, column + 1)) {
      pairs.push([before, after]);
      row += 1;
      column += 1;
    } else if (before !== null && at(row, column) === at(row + 1, column)) {
      pairs.push([before, null]);
      row += 1;
    } else {
      pairs.push([null, after]);
      column += 1;
    }
  }
  return pairs;
}

const alone = (line: string): [string | null, string | null] => [line, null];
const fresh = (line: string): [string | null, string | null] => [null, line];

/** How much of two lines is common, by their words; nothing when it is less than half, or only their indentation. */
function pairValue(before: string, after: string): number {
  const words = (line: string) => line.split(/[^\w$]+/).filter(Boolean);
  const left = words(before);
  const right = words(after);
  const pool = new Map<string, number>();
  for (const word of left) pool.set(word, (pool.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of right) {
    const count = pool.get(word) ?? 0;
    if (count > 0) {
      common += 1;
      pool.set(word, count - 1);
    }
  }
  const share = (2 * common) / Math.max(1, left.length + right.length);
  return share >= 0.5 ? share : 0;
}

function plain(number: number, text: string): DiffSide {
  return { number, segments: [{ text, changed: false }] };
}

function changedWords(before: string, after: string): [Segment[], Segment[]] {
  const parts = diffWordsWithSpace(before, after);
  return [
    parts.filter((part) => !part.added).map((part) => ({ text: part.value, changed: part.removed })),
    parts.filter((part) => !part.removed).map((part) => ({ text: part.value, changed: part.added })),
  ];
}

/** Folds runs of equal lines that are farther than `context` lines from any change. */
export function foldUnchanged(rows: DiffRow[], context = 3): DiffBlock[] {
  const near = new Array<boolean>(rows.length).fill(false);
  rows.forEach((row, index) => {
    if (row.kind === "same") return;
    for (let at = Math.max(0, index - context); at <= Math.min(rows.length - 1, index + context); at += 1) near[at] = true;
  });
  const blocks: DiffBlock[] = [];
  rows.forEach((row, index) => {
    const kind = near[index] ? "rows" : "folded";
    const last = blocks.at(-1);
    if (last?.kind === kind) last.rows.push(row);
    else blocks.push({ kind, rows: [row] });
  });
  return blocks.map((block) => (block.kind === "folded" && block.rows.length < 3 ? { kind: "rows", rows: block.rows } : block));
}

/** How many lines a diff adds and takes away. */
export function countChanges(rows: DiffRow[]): { added: number; removed: number } {
  return {
    added: rows.filter((row) => row.kind === "added" || row.kind === "changed").length,
    removed: rows.filter((row) => row.kind === "removed" || row.kind === "changed").length,
  };
}
