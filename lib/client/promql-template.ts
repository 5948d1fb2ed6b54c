import type { placeholders } from "#lib/domain/metrics/schemas.ts";

/** Something of the kind of each placeholder, for a grammar that does not know them. */
const examples: Record<keyof typeof placeholders, string> = {
  $in: 'service="x"',
  $namespace: 'namespace="x"',
  $window: "1m",
  $wide: "10m",
};

export const placeholderPattern = /\$(?:in|namespace|window|wide)\b/g;

/** An expression with its placeholders filled in, and the way back of a place in it. */
export type ReadableExpression = { text: string; toSource: (position: number) => number };

export function readableExpression(source: string): ReadableExpression {
  const shifts: { end: number; sourceStart: number; sourceEnd: number; start: number }[] = [];
  let text = "";
  let last = 0;
  for (const match of source.matchAll(placeholderPattern)) {
    text += source.slice(last, match.index);
    const start = text.length;
    text += examples[match[0] as keyof typeof placeholders];
    last = match.index + match[0].length;
    shifts.push({ start, end: text.length, sourceStart: match.index, sourceEnd: last });
  }
  text += source.slice(last);
  return {
    text,
    toSource: (position) => {
      const inside = shifts.find(({ start, end }) => position > start && position < end);
      if (inside) return inside.sourceStart;
      const before = shifts.findLast(({ end }) => end <= position);
      return before ? before.sourceEnd + position - before.end : position;
    },
  };
}
