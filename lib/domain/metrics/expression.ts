import { quoteLabel } from "#lib/prometheus/client.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { placeholders } from "./schemas.ts";

/** Matchers of one service's series. */
export function serviceMatchers({ namespace, name }: ServiceRef): string {
  return `${namespaceMatcher(namespace)},service=${quoteLabel(name)}`;
}

/** Targets outside the cluster may carry no namespace; their services then are those of the namespace "outside". */
function namespaceMatcher(namespace: string): string {
  return namespace === "outside" ? 'namespace=~"outside|"' : `namespace=${quoteLabel(namespace)}`;
}

const scrapesInWindow = 4;

/** A rate needs a few scrapes, and must not look past what lies between two points by much. */
export function rateWindow(stepSeconds: number, scrapeSeconds: number): number {
  return Math.max(stepSeconds, Math.ceil(scrapesInWindow * scrapeSeconds));
}

/** Longer than `$window` where that is short: what happens rarely, such as a restart, would be missed. */
const wideSeconds = (rateSeconds: number) => Math.max(600, rateSeconds);

type Placeholder = keyof typeof placeholders;

/** A place in a text, in characters from 0. */
export type TextSpan = { from: number; to: number };
export type PlaceholderError = TextSpan & { message: string };

/** A part of the expression as written, with what stands there when it is filled in. */
type Piece = { at: number; length: number; text: string };

export type Filled = {
  text: string;
  errors: PlaceholderError[];
  /** Where `$in` or `$namespace` stood. */
  matcherPlaces: TextSpan[];
  /** The place in the expression as written for a place in the filled one. */
  toSource: (position: number) => number;
};

// Strings and comments are one token each, so that nothing inside them is filled in.
const token = /"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`[^`]*`?|#[^\n]*|[{}[\]]|\$[A-Za-z_]\w*|\$/g;

/**
 * Fills in an expression's placeholders for one service. They are known only where they make sense (matchers inside braces,
 * windows inside brackets) and never inside a string, so that no name of a service can change what the expression means.
 */
export function fillPlaceholders(expr: string, ref: ServiceRef, rateSeconds: number): Filled {
  return fillWith(expr, ref, { $window: `${rateSeconds}s`, $wide: `${wideSeconds(rateSeconds)}s` });
}

/** The same with other texts for the windows. */
export function fillWith(expr: string, ref: ServiceRef, windows: { $window: string; $wide: string }): Filled {
  const values: Record<Placeholder, string> = {
    $in: serviceMatchers(ref),
    $namespace: namespaceMatcher(ref.namespace),
    ...windows,
  };
  const pieces: Piece[] = [];
  const errors: PlaceholderError[] = [];
  const matcherPlaces: TextSpan[] = [];
  let inside: "" | "{" | "[" = "";
  for (const { 0: text, index } of expr.matchAll(token)) {
    if (text === "{" || text === "[") inside = text;
    else if (text === "}" || text === "]") inside = "";
    if (!text.startsWith("$")) continue;
    const place = { from: index, to: index + text.length };
    if (!isPlaceholder(text)) {
      errors.push({ ...place, message: `There is no ${text}. Known are ${Object.keys(placeholders).join(", ")}.` });
      continue;
    }
    const isMatcher = text === "$in" || text === "$namespace";
    if (inside !== (isMatcher ? "{" : "[")) errors.push({ ...place, message: `${text} stands for ${placeholders[text]}.` });
    if (isMatcher) matcherPlaces.push(place);
    pieces.push({ at: index, length: text.length, text: values[text] });
  }
  return { text: join(expr, pieces), errors, matcherPlaces, toSource: (position) => toSource(pieces, position) };
}

/** The filled expression alone. */
export function fillExpression(expr: string, ref: ServiceRef, rateSeconds: number): string {
  return fillPlaceholders(expr, ref, rateSeconds).text;
}

/** The expression for a part of the service's series only: with more matchers beside each `$in`. */
export function narrowExpression(expr: string, matchers: string): string {
  return expr.replaceAll(token, (text) => (text === "$in" ? `$in,${matchers}` : text));
}

function isPlaceholder(text: string): text is Placeholder {
  return Object.hasOwn(placeholders, text);
}

function join(expr: string, pieces: readonly Piece[]): string {
  let text = "";
  let done = 0;
  for (const piece of pieces) {
    text += expr.slice(done, piece.at) + piece.text;
    done = piece.at + piece.length;
  }
  return text + expr.slice(done);
}

function toSource(pieces: readonly Piece[], position: number): number {
  let grown = 0;
  for (const { at, length, text } of pieces) {
    const start = at + grown;
    if (position <= start) break;
    if (position < start + text.length) return at;
    grown += text.length - length;
  }
  return position - grown;
}
