import type { MarkdownIt, StateInline } from "markdown-it";

/** Makes links of addresses that stand in a text as they are. The parser's own search for them takes seconds for some texts. */
export function linkBareAddresses(parser: MarkdownIt): void {
  parser.inline.ruler.after("text", "address", readAddress);
}

const scheme = /(?<!\w)https?$/i;
const rest = /:\/\/[^\s<>"'`]+/y;

/** Stands at the colon: the scheme was read as text by then. */
function readAddress(state: StateInline, isSilent: boolean): boolean {
  if (isSilent || state.linkLevel > 0 || !state.src.startsWith("://", state.pos)) return false;
  const [name] = scheme.exec(state.pending.slice(-6)) ?? [];
  rest.lastIndex = state.pos;
  const [found] = rest.exec(state.src) ?? [];
  if (name === undefined || found === undefined) return false;
  const address = withoutPunctuation(name + found);
  if (address.length <= name.length + "://".length) return false;
  state.pending = state.pending.slice(0, -name.length);
  state.push("link_open", "a", 1).attrs = [["href", address]];
  state.push("text", "", 0).content = address;
  state.push("link_close", "a", -1);
  state.pos += address.length - name.length;
  return true;
}

/** What ends a sentence, or closes what was opened before the address, is no part of it. */
function withoutPunctuation(address: string): string {
  let closing = address.split(")").length - address.split("(").length;
  let end = address.length;
  for (; end > 0; end -= 1) {
    const sign = address.charAt(end - 1);
    if (sign === ")" && closing > 0) closing -= 1;
    else if (!".,;:!?]}*_~".includes(sign)) break;
  }
  return address.slice(0, end);
}
