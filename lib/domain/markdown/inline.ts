/** What stands inside a line of Markdown. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "struck"; content: Inline[] }
  | { kind: "link"; href: string; content: Inline[] }
  | { kind: "image"; source: string; alt: string }
  | { kind: "break" };

type Mark = "strong" | "emphasis" | "struck";
type Open = { mark: Mark; sign: string; content: Inline[] };

const codeSpan = /(`+)([^`](?:[^\n]*?[^`])?)\1(?!`)/y;
const link = /(!?)\[((?:[^[\]\\]|\\.){0,2000})\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"\n]*")?\s*\)/y;
const address = /https?:\/\/[^\s<>"'`]+/y;
const special = /[\\`![*_~\n]|https?:\/\//g;
const marks: [sign: string, mark: Mark][] = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "struck"],
  ["*", "emphasis"],
  ["_", "emphasis"],
];

/** Reads the words of a paragraph. What is not closed, or no known sign, stays as it was written. */
export function readInline(text: string): Inline[] {
  return new InlineReader(text).read();
}

/** Whether a link may lead there: to the web, to a mail program, or to a page of Switchyard; never to a script. */
export function isSafeHref(href: string): boolean {
  return /^(https?:\/\/|mailto:|#|\/(?!\/|\\))/i.test(href);
}

/** An image that the page shows: one inside the text itself or pasted into an incident, so that reading asks nobody else for it. */
export function isSafeImage(source: string): boolean {
  return (
    /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(source) ||
    /^\/api\/incidents\/[0-9a-f-]{36}\/images\/[0-9a-f-]{36}$/.test(source)
  );
}

class InlineReader {
  readonly #text: string;
  #at = 0;
  readonly #stack: Open[] = [];
  #content: Inline[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): Inline[] {
    while (this.#at < this.#text.length) this.#step();
    while (this.#stack.length > 0) this.#giveUp();
    return this.#content;
  }

  #step(): void {
    special.lastIndex = this.#at;
    const found = special.exec(this.#text);
    const next = found ? found.index : this.#text.length;
    if (next > this.#at) this.#addText(this.#text.slice(this.#at, next));
    this.#at = next;
    if (!found) return;
    const isRead = this.#readEscape() || this.#readBreak() || this.#readCode() || this.#readLink() || this.#readAddress();
    if (!isRead && !this.#readMark()) this.#addText(this.#text.charAt(this.#at++));
  }

  #readEscape(): boolean {
    if (this.#text[this.#at] !== "\\") return false;
    const next = this.#text[this.#at + 1] ?? "";
    if (!/[\\`*_{}[\]()#+\-.!~|<>]/.test(next)) return false;
    this.#addText(next);
    this.#at += 2;
    return true;
  }

  #readBreak(): boolean {
    if (this.#text[this.#at] !== "\n") return false;
    const last = this.#content.at(-1);
    const isHard = last?.kind === "text" && last.text.endsWith("  ");
    if (last?.kind === "text") last.text = last.text.trimEnd();
    if (isHard) this.#content.push({ kind: "break" });
    else this.#addText(" ");
    this.#at += 1;
    return true;
  }

  #readCode(): boolean {
    const match = this.#match(codeSpan);
    if (!match) return false;
    this.#content.push({ kind: "code", text: match[2]?.trim() ?? "" });
    return true;
  }

  #readLink(): boolean {
    const match = this.#match(link);
    if (!match) return false;
    const [whole, bang, words = "", target = ""] = match;
    if (bang && isSafeImage(target)) this.#content.push({ kind: "image", source: target, alt: words });
    else if (isSafeHref(target)) this.#content.push({ kind: "link", href: target, content: readInline(words || target) });
    else this.#addText(whole);
    return true;
  }

  #readAddress(): boolean {
    const match = this.#match(address);
    if (!match) return false;
    const href = match[0].replace(/[.,;:!?)\]]+$/, "");
    this.#at -= match[0].length - href.length;
    this.#content.push({ kind: "link", href, content: [{ kind: "text", text: href }] });
    return true;
  }

  #readMark(): boolean {
    const found = marks.find(([sign]) => this.#text.startsWith(sign, this.#at));
    if (!found) return false;
    const [sign, mark] = found;
    const before = this.#text[this.#at - 1] ?? " ";
    const after = this.#text[this.#at + sign.length] ?? " ";
    const isWordSign = sign.startsWith("_");
    const closes = !/\s/.test(before) && !(isWordSign && /\w/.test(after));
    const opens = !/\s/.test(after) && !(isWordSign && /\w/.test(before));
    const index = closes ? this.#stack.findLastIndex((open) => open.sign === sign) : -1;
    if (index >= 0) {
      while (this.#stack.length > index + 1) this.#giveUp();
      const content = this.#content;
      const open = this.#stack.pop();
      this.#content = open?.content ?? [];
      this.#content.push({ kind: mark, content });
    } else if (opens && !this.#stack.some((open) => open.sign === sign)) {
      this.#stack.push({ mark, sign, content: this.#content });
      this.#content = [];
    } else return false;
    this.#at += sign.length;
    return true;
  }

  /** The innermost mark is never closed: its sign was only a sign. */
  #giveUp(): void {
    const open = this.#stack.pop();
    if (!open) return;
    const inner = this.#content;
    this.#content = open.content;
    this.#addText(open.sign);
    for (const part of inner) {
      if (part.kind === "text") this.#addText(part.text);
      else this.#content.push(part);
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at += match[0].length;
    return match;
  }

  #addText(text: string): void {
    const last = this.#content.at(-1);
    if (last?.kind === "text") last.text += text;
    else this.#content.push({ kind: "text", text });
  }
}
