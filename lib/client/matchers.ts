import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { LabelMatcher } from "#lib/domain/alerts/silences-schemas.ts";

export const matcherSigns = ["=", "!=", "=~", "!~"] as const;
export type MatcherSign = (typeof matcherSigns)[number];

export const signOf = ({ isEqual, isRegex }: LabelMatcher): MatcherSign =>
  isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!=";

export const withSign = (matcher: LabelMatcher, sign: MatcherSign): LabelMatcher => ({
  ...matcher,
  isEqual: sign.startsWith("="),
  isRegex: sign.endsWith("~"),
});

/** A matcher as Alertmanager writes it: `pod=~"relay-.*"`. */
export const matcherText = (matcher: LabelMatcher) => `${matcher.name}${signOf(matcher)}${JSON.stringify(matcher.value)}`;

/** What says which alert it is, and not which instance or how bad. */
const firstLabels = ["alertname", "namespace", "service"];

/**
 * Matchers that hide these alerts: what one silence for all of them must say. A label with the same value on all is an
 * equality, one with several values an alternation; labels that some lack are left out.
 */
export function matchersFor(alerts: Pick<AlertRow, "labels">[]): LabelMatcher[] {
  return firstLabels.flatMap((name) => matcherOf(alerts, name) ?? []);
}

/** The matcher on one label that all of these alerts meet; null when one of them has no such label. */
export function matcherOf(alerts: Pick<AlertRow, "labels">[], name: string): LabelMatcher | null {
  const values = new Set<string>();
  for (const { labels } of alerts) {
    const value = labels[name];
    if (!value) return null;
    values.add(value);
  }
  const sorted = [...values].sort();
  const [first] = sorted;
  if (first === undefined) return null;
  if (sorted.length === 1) return { name, value: first, isEqual: true, isRegex: false };
  return { name, value: sorted.map(escapeRegex).join("|"), isEqual: true, isRegex: true };
}

/** Labels that all of these alerts have and that no matcher names yet, in the order of the alphabet. */
export function furtherLabels(alerts: Pick<AlertRow, "labels">[], matchers: LabelMatcher[]): string[] {
  const used = new Set(matchers.map((matcher) => matcher.name));
  const [first, ...rest] = alerts;
  return Object.keys(first?.labels ?? {})
    .filter((name) => !used.has(name) && rest.every(({ labels }) => labels[name]))
    .sort();
}

/** RE2 takes no escape of a character that needs none, unlike the slash that others escape. */
const escapeRegex = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** What is wrong with a matcher before it is sent; null when nothing is. */
export function matcherProblem({ name, value, isRegex }: LabelMatcher): string | null {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name === "" ? "Name a label." : "Letters, digits and underscores only.";
  if (!isRegex) return null;
  try {
    new RegExp(value);
    return null;
  } catch {
    return "Not a regular expression.";
  }
}
