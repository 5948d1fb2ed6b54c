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
    const pairs = Math.min(removed.length, part.value.length);
    const added = part.value.slice(pairs);
    for (let index = 0; index < pairs; index += 1) {
      const [leftSegments, rightSegments] = changedWords(removed[index] ?? "", part.value[index] ?? "");
      rows.push({
        kind: "changed",
        left: { number: left++, segments: leftSegments },
        right: { number: right++, segments: rightSegments },
      });
    }
    removed = removed.slice(pairs);
    flushRemoved();
    for (const line of added) rows.push({ kind: "added", left: null, right: plain(right++, line) });
  }
  flushRemoved();
  return rows;
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
