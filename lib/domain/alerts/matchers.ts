import { Prisma } from "#lib/database/generated/client.ts";
import { DomainError } from "../errors.ts";
import type { LabelMatcher } from "./silences-schemas.ts";

const operators = { "=": [false, true], "!=": [false, false], "=~": [true, true], "!~": [true, false] } as const;
const matcherPattern = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"{}=~][^\s,"{}]*))\s*(,|$)/;

/** Reads matchers as Alertmanager writes them, e.g. `{pod=~"relay-.*", team!="core"}`; throws invalid-input. */
export function parseMatchers(text: string): LabelMatcher[] {
  let rest = text.trim().replace(/^\{([\s\S]*)\}$/, "$1");
  const matchers: LabelMatcher[] = [];
  while (rest.trim() !== "") {
    const found = matcherPattern.exec(rest);
    if (!found) {
      throw invalid(`This is no label matcher: ${rest.trim().slice(0, 60)}. Write for example pod=~"relay-.*", team!="core".`);
    }
    const [whole, name = "", operator = "=", quoted, bare = ""] = found;
    const [isRegex, isEqual] = operators[operator as keyof typeof operators];
    matchers.push({ name, value: quoted === undefined ? bare : readEscapes(quoted), isRegex, isEqual });
    rest = rest.slice(whole.length);
  }
  return matchers;
}

/** Matchers as Alertmanager writes them. */
export function formatMatchers(matchers: readonly LabelMatcher[]): string {
  return `{${matchers.map(formatMatcher).join(", ")}}`;
}

function formatMatcher({ name, value, isRegex, isEqual }: LabelMatcher): string {
  const operator = isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
  return `${name}${operator}"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function readEscapes(quoted: string): string {
  return quoted.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

/**
 * Matchers as a condition on a column of labels. PostgreSQL evaluates the regular expressions: unlike JavaScript's they cannot
 * take exponential time. A label that is not there counts as empty, as in Alertmanager. Throws invalid-input.
 */
export function matchersCondition(matchers: readonly LabelMatcher[], labels: Prisma.Sql): Prisma.Sql[] {
  return matchers.map(({ name, value, isRegex, isEqual }) => {
    const actual = Prisma.sql`coalesce(${labels} ->> ${name}, '')`;
    if (!isRegex) return isEqual ? Prisma.sql`${actual} = ${value}` : Prisma.sql`${actual} <> ${value}`;
    const { pattern, ignoresCase } = toWholePattern(value);
    if (ignoresCase) return isEqual ? Prisma.sql`${actual} ~* ${pattern}` : Prisma.sql`${actual} !~* ${pattern}`;
    return isEqual ? Prisma.sql`${actual} ~ ${pattern}` : Prisma.sql`${actual} !~ ${pattern}`;
  });
}

/** The pattern for the whole value. What RE2 has and PostgreSQL writes otherwise, or the other way about, is refused or turned. */
function toWholePattern(value: string): { pattern: string; ignoresCase: boolean } {
  if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(value)) throw invalid("Alertmanager's regular expressions have no back-references.");
  if (/\(\?(?:=|!|<=|<!)/.test(value)) throw invalid("Alertmanager's regular expressions have no look-around.");
  const [, flags = ""] = /^\(\?([a-z]+)\)/.exec(value) ?? [];
  if (flags !== "" && !/^[is]+$/.test(flags)) throw invalid(`The flags (?${flags}) are not supported here; (?i) is.`);
  const bare = flags === "" ? value : value.slice(flags.length + 3);
  return { pattern: `^(?:${bare})$`, ignoresCase: flags.includes("i") };
}

/** Runs a read whose regular expressions come from a person: a bad one becomes invalid-input, a slow one too. */
export async function explainBadPatterns<T>(run: () => Promise<T>, field = "labels"): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DomainError && error.details.fields?.labels) throw invalid(error.message, field, error);
    const message = error instanceof Error ? error.message : "";
    const found = /invalid regular expression: ([^\n`]+)/.exec(message);
    if (found) throw invalid(`This regular expression cannot be read: ${found[1]?.trim()}.`, field, error);
    if (/statement timeout|57014/.test(message)) {
      throw invalid("This filter takes too long; give a shorter time range or a simpler regular expression.", field, error);
    }
    throw error;
  }
}

function invalid(message: string, field = "labels", cause?: unknown): DomainError {
  return new DomainError("invalid-input", message, { fields: { [field]: [message] } }, { cause });
}
