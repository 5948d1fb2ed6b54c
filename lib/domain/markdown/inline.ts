import type { Token } from "markdown-it";
import { isAction, isSafeImage } from "./addresses.ts";

/** What stands inside a line of Markdown. An action's `href` is no address: pages draw it as a button, everything else as its words. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "struck"; content: Inline[] }
  | { kind: "link" | "action"; href: string; content: Inline[] }
  | { kind: "image"; source: string; alt: string }
  | { kind: "break" };

const marks = { strong_open: "strong", em_open: "emphasis", s_open: "struck" } as const;

/** The words of a paragraph, from the parser's tokens. */
export function inlineOf(tokens: readonly Token[]): Inline[] {
  return new InlineTokens(tokens).read(false);
}

/** The words alone, as for a title. */
export function textOf(content: readonly Inline[]): string {
  return content
    .map((part) => {
      if ("text" in part) return part.text;
      if ("content" in part) return textOf(part.content);
      return part.kind === "image" ? part.alt : " ";
    })
    .join("");
}

class InlineTokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Up to the end of what is open. A link holds no other one: browsers would take the two apart. One that leads nowhere is its words. */
  read(isInLink: boolean): Inline[] {
    const content: Inline[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      const leadsNowhere = token.type === "link_open" && attribute(token, "href") === "";
      for (const part of leadsNowhere ? this.read(isInLink) : [this.#part(token, isInLink)]) {
        const last = content.at(-1);
        if (part.kind === "text" && last?.kind === "text") last.text += part.text;
        else content.push(part);
      }
    }
    return content;
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #part(token: Token, isInLink: boolean): Inline {
    switch (token.type) {
      case "strong_open":
      case "em_open":
      case "s_open":
        return { kind: marks[token.type], content: this.read(isInLink) };
      case "link_open": {
        const href = attribute(token, "href");
        return { kind: isAction(href) ? "action" : "link", href, content: this.read(true) };
      }
      case "image":
        return image(token, isInLink);
      case "code_inline":
        return { kind: "code", text: token.content };
      case "hardbreak":
        return { kind: "break" };
      case "softbreak":
        return { kind: "text", text: " " };
      default:
        return { kind: "text", text: token.content };
    }
  }
}

/** One that would be fetched from elsewhere is a link to it instead. */
function image(token: Token, isInLink: boolean): Inline {
  const source = attribute(token, "src");
  const alt = textOf(inlineOf(token.children ?? []));
  if (isSafeImage(source)) return { kind: "image", source, alt };
  const words: Inline = { kind: "text", text: alt || source };
  return isInLink || source === "" || isAction(source) ? words : { kind: "link", href: source, content: [words] };
}

/** Also a number, as of a list's start. */
export function attribute(token: Token, name: string): string {
  return `${token.attrs?.find(([own]) => own === name)?.[1] ?? ""}`;
}
