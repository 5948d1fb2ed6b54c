import MarkdownIt, { type Token } from "markdown-it";
import { isAction, isSafeHref, isSafeImage } from "./addresses.ts";
import { linkBareAddresses } from "./bare-addresses.ts";
import { attribute, type Inline, inlineOf } from "./inline.ts";

/**
 * Markdown as people write it in notes, runbooks and postmortems: CommonMark with GitHub's tables, boxes to tick and bare addresses.
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

/** Lists have two levels each; what lies deeper is not shown. */
const deepest = 100;

const parser = new MarkdownIt({ html: false, linkify: false, maxNesting: deepest });
linkBareAddresses(parser);
parser.validateLink = (address) => isSafeHref(address) || isSafeImage(address) || isAction(address);

/** Reads a text of Markdown. Every text can be read: what is no known form is a paragraph. */
export function readMarkdown(text: string): Block[] {
  return new BlockTokens(parser.parse(text, {})).read();
}

class BlockTokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Up to the end of what is open. */
  read(): Block[] {
    const blocks: Block[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      const block = this.#block(token);
      if (block) blocks.push(block);
    }
    return blocks;
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #block(token: Token): Block | null {
    switch (token.type) {
      case "heading_open":
        return { kind: "heading", level: Number(token.tag.slice(1)), content: this.#content() };
      case "paragraph_open":
        return { kind: "paragraph", content: this.#content() };
      case "blockquote_open":
        return { kind: "quote", blocks: this.read() };
      case "bullet_list_open":
        return { kind: "list", isOrdered: false, start: 1, items: this.#items() };
      case "ordered_list_open":
        return { kind: "list", isOrdered: true, start: Number(attribute(token, "start") || 1), items: this.#items() };
      case "fence":
      case "code_block":
        return { kind: "code", language: token.info.trim().split(" ", 1)[0] ?? "", text: token.content.replace(/\n$/, "") };
      case "hr":
        return { kind: "rule" };
      case "table_open":
        return this.#table();
      default:
        return null;
    }
  }

  /** The words between an open and a closing token. */
  #content(): Inline[] {
    const words = this.#next();
    this.#at += 1;
    return inlineOf(words?.children ?? []);
  }

  #items(): ListItem[] {
    const items: ListItem[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) items.push(withBox(this.read()));
    return items;
  }

  #table(): Block {
    const rows: Inline[][][] = [];
    let align: Align[] = [];
    for (let token = this.#next(); token && token.type !== "table_close"; token = this.#next()) {
      if (token.type !== "tr_open") continue;
      const [cells, sides] = this.#cells();
      if (rows.push(cells) === 1) align = sides;
    }
    const [head = [], ...others] = rows;
    return { kind: "table", head, align, rows: others };
  }

  #cells(): [Inline[][], Align[]] {
    const cells: Inline[][] = [];
    const sides: Align[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      const [, side = "left"] = /:(right|center)$/.exec(attribute(token, "style")) ?? [];
      sides.push(side as Align);
      cells.push(this.#content());
    }
    return [cells, sides];
  }
}

/** A box to tick at the beginning of an item is no part of its words. */
function withBox(blocks: Block[]): ListItem {
  const [first, ...rest] = blocks;
  const words = first?.kind === "paragraph" ? first.content[0] : undefined;
  const [box, sign] = words?.kind === "text" ? (/^\[([ xX])\](?:\s|$)/.exec(words.text) ?? []) : [];
  if (first?.kind !== "paragraph" || words?.kind !== "text" || box === undefined) return { isDone: null, blocks };
  const text = words.text.slice(box.length).trimStart();
  const content = [...(text ? [{ ...words, text }] : []), ...first.content.slice(1)];
  return { isDone: sign !== " ", blocks: [{ ...first, content }, ...rest] };
}
