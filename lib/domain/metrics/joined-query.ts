import type { Answer } from "./panel-store.ts";
import { isVector } from "./promql.ts";

const queryLabel = "switchyard_query";

/**
 * The expressions of one chart as one, so that Prometheus is asked once for it: each one's series get a label with its number. Null
 * when that cannot be, since a label can only be put on a vector.
 */
export function joinExpressions(expressions: readonly string[]): string | null {
  const [only] = expressions;
  if (expressions.length <= 1) return only ?? null;
  if (!expressions.every(isVector)) return null;
  // A line of its own: an expression may end with a comment.
  return expressions.map((expr, index) => `label_replace(\n${expr}\n, "${queryLabel}", "${index}", "", "")`).join(" or ");
}

/** The answer to the joined expression, taken apart into one for each. */
export function splitAnswer(answer: Answer, count: number): Answer[] {
  if (count <= 1) return [answer];
  return Array.from({ length: count }, (_, index) => {
    const series = answer.series.flatMap(({ labels: { [queryLabel]: number, ...labels }, values }) =>
      number === `${index}` ? [{ labels, values }] : [],
    );
    return { ...answer, series };
  });
}
