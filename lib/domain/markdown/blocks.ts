import { type Inline, readInline } from "./inline.ts";

/**
 * Markdown as people write it in notes and postmortems: headings, paragraphs, lists with boxes to tick, quotes, code, tables, rules.
 * HTML is no part of it and is shown as it was written, so that no text can put something into a page.
 */
export type Block =
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "paragraph"; content: Inline[] }
  | { kind: "list"; isOrdered: boolean; start: number; items: ListItem[] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "table"; head: Inline[][]; align: Align[]; rows: Inline[][][] }
  | { kind: "rule" };
/** `isDone` is null for an item without a box. */
export type ListItem = { isDone: boolean | null; blocks: Block[] };
export type Align = "left" | "right" | "center";

const deepest = 8;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)[^`]*$/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?:\s+(.*)|\s*)$/;
const box = /^\[([ xX])\]\s+/;
const divider = /^ {0,3}\|?\s*:?-{1,}:?\s*(\|\s*:?-{1,}:?\s*)*\|?\s*$/;

/** Reads a text of Markdown. Every text can be read: what is no known form is a paragraph. */
export function readMarkdown(text: string): Block[] {
  return readBlocks(text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n"), 0);
}

type Read = { block: Block; next: number };

function readBlocks(lines: string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const { block, next }: Read =
      readCode(lines, at) ??
      readSingle(lines, at) ??
      (depth < deepest ? (readQuote(lines, at, depth) ?? readList(lines, at, depth)) : null) ??
      readTable(lines, at) ??
      readParagraph(lines, at);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

function readCode(lines: string[], at: number): Read | null {
  const [, sign = "", language = ""] = fence.exec(lines[at] ?? "") ?? [];
  if (sign === "") return null;
  let end = at + 1;
  while (end < lines.length && !(lines[end]?.trim().startsWith(sign) && /^[`~]+$/.test(lines[end]?.trim() ?? ""))) end += 1;
  return { block: { kind: "code", language, text: lines.slice(at + 1, end).join("\n") }, next: end + 1 };
}

function readSingle(lines: string[], at: number): Read | null {
  const line = lines[at] ?? "";
  const [, signs, words = ""] = heading.exec(line) ?? [];
  if (signs) return { block: { kind: "heading", level: signs.length, content: readInline(words) }, next: at + 1 };
  return rule.test(line) ? { block: { kind: "rule" }, next: at + 1 } : null;
}

function readQuote(lines: string[], at: number, depth: number): Read | null {
  const quoted: string[] = [];
  let end = at;
  for (; end < lines.length && /^ {0,3}>/.test(lines[end] ?? ""); end += 1)
    quoted.push((lines[end] ?? "").replace(/^ {0,3}> ?/, ""));
  return end === at ? null : { block: { kind: "quote", blocks: readBlocks(quoted, depth + 1) }, next: end };
}

function readList(lines: string[], at: number, depth: number): Read | null {
  const first = item.exec(lines[at] ?? "");
  if (!first) return null;
  const isOrdered = /\d/.test(first[2] ?? "");
  const items: ListItem[] = [];
  let end = at;
  while (end < lines.length) {
    const match = item.exec(lines[end] ?? "");
    if (!match || /\d/.test(match[2] ?? "") !== isOrdered || rule.test(lines[end] ?? "")) break;
    const indent = (match[1]?.length ?? 0) + 2;
    const own = [match[3] ?? ""];
    end += 1;
    for (; end < lines.length; end += 1) {
      const line = lines[end] ?? "";
      const isInside = indentOf(line) >= indent || (isBlank(line) && indentOf(lines[end + 1] ?? "") >= indent);
      const isLazy = !isBlank(line) && !isBlank(lines[end - 1]) && !startsBlock(line);
      if (!isInside && !isLazy) break;
      own.push(line.slice(Math.min(indentOf(line), (match[2]?.length ?? 1) + indent - 1)));
    }
    items.push(readItem(own, depth));
    if (isBlank(lines[end]) && item.test(lines[end + 1] ?? "")) end += 1;
  }
  const start = isOrdered ? Number.parseInt(first[2] ?? "1", 10) : 1;
  return { block: { kind: "list", isOrdered, start, items }, next: end };
}

function readItem([first = "", ...rest]: string[], depth: number): ListItem {
  const [ticked, sign] = box.exec(first) ?? [];
  const blocks = readBlocks([first.slice(ticked?.length ?? 0), ...rest], depth + 1);
  return { isDone: sign === undefined ? null : sign !== " ", blocks };
}

function readTable(lines: string[], at: number): Read | null {
  const line = lines[at] ?? "";
  const under = lines[at + 1] ?? "";
  if (!line.includes("|") || !divider.test(under)) return null;
  const align = cellsOf(under).map((cell): Align => {
    if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
    return "left";
  });
  const head = cellsOf(line).map(readInline);
  if (head.length !== align.length) return null;
  const rows: Inline[][][] = [];
  let end = at + 2;
  for (; end < lines.length && !isBlank(lines[end]) && lines[end]?.includes("|"); end += 1) {
    const cells = cellsOf(lines[end] ?? "");
    rows.push(head.map((_, index) => readInline(cells[index] ?? "")));
  }
  return { block: { kind: "table", head, align, rows }, next: end };
}

/** The cells of a row; `\|` is a bar inside one. */
function cellsOf(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function readParagraph(lines: string[], at: number): Read {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !startsBlock(lines[end] ?? "")) end += 1;
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join("\n");
  return { block: { kind: "paragraph", content: readInline(text.trimEnd()) }, next: end };
}

function startsBlock(line: string): boolean {
  return heading.test(line) || rule.test(line) || fence.test(line) || item.test(line) || /^ {0,3}>/.test(line);
}

const isBlank = (line: string | undefined) => (line ?? "").trim() === "";
const indentOf = (line: string) => (isBlank(line) ? 0 : line.length - line.trimStart().length);
