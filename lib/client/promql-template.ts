/** What stands in an expression for the service and for the window of a rate, and something of its kind to read it with. */
const placeholders = { $in: 'service="x"', $window: "1m" } as const;

export type PlaceholderName = keyof typeof placeholders;
export const placeholderNames = Object.keys(placeholders) as PlaceholderName[];

/** An expression with its placeholders filled in for a grammar that does not know them, and the way back of a place in it. */
export type ReadableExpression = { text: string; toSource: (position: number) => number };

export function readableExpression(source: string): ReadableExpression {
  const shifts: { end: number; sourceStart: number; sourceEnd: number; start: number }[] = [];
  let text = "";
  let last = 0;
  for (const match of source.matchAll(/\$(?:in|window)\b/g)) {
    text += source.slice(last, match.index);
    const start = text.length;
    text += placeholders[match[0] as PlaceholderName];
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
