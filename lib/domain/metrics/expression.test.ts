import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillExpression, fillPlaceholders, serviceMatchers } from "./expression.ts";
import { joinExpressions, splitAnswer } from "./joined-query.ts";
import { metricsOfService, parseExpression } from "./promql.ts";

const ref = { namespace: "fleet", name: "relay" };

describe("placeholders", () => {
  test("are filled in where they make sense", () => {
    const text = fillExpression('rate(a{$in,x="y"}[$window]) + increase(b{$namespace}[$wide])', ref, 8);
    expect(text).toBe('rate(a{namespace="fleet",service="relay",x="y"}[8s]) + increase(b{namespace="fleet"}[600s])');
  });

  test("keep a name that looks like PromQL inside its quotes", () => {
    const filled = fillExpression("up{$in}", { namespace: 'a"} or up{x="', name: "b\\" }, 8);
    expect(filled).toBe('up{namespace="a\\"} or up{x=\\"",service="b\\\\"}');
  });

  test("stay as they are inside strings and comments", () => {
    const expr = 'a{b="$in",c=\'$in\',d=~`$in`} # $in\n+ up{e="\\"$in"}';
    expect(fillPlaceholders(expr, ref, 8)).toMatchObject({ text: expr, errors: [] });
  });

  test.each([
    ["sum($in)", 4, 7, "inside braces"],
    ["rate(a{$in}[5m]) > $window", 19, 26, "inside brackets"],
    ["rate(a{$window}[5m])", 7, 14, "inside brackets"],
    ["a[$in]", 2, 5, "inside braces"],
    ["rate(a[$interval])", 7, 16, "There is no $interval. Known are $in, $namespace, $window, $wide."],
    ["a{$instance}", 2, 11, "There is no $instance."],
    ["a $", 2, 3, "There is no $."],
  ])("elsewhere are errors: %s", (expr, from, to, message) => {
    expect(fillPlaceholders(expr, ref, 8).errors).toEqual([{ from, to, message: expect.stringContaining(message) }]);
  });

  test("never let the name of a service change what an expression means", () => {
    const anyName = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(anyName, anyName, (namespace, name) => {
        const plain = parseExpression("sum(rate(a{$in}[$window])) / count(up{$namespace})", ref, 8);
        const odd = parseExpression("sum(rate(a{$in}[$window])) / count(up{$namespace})", { namespace, name }, 8);
        expect([odd.errors, odd.unlimited]).toEqual([plain.errors, plain.unlimited]);
      }),
    );
  });

  test("give places in the text as written for places in the text as filled in", () => {
    const expr = "a{$in} + rate(b{$in}[$window]) + c";
    const { text, toSource } = fillPlaceholders(expr, ref, 8);
    for (const part of ["a{", " + rate(b{", "}[", "]) + c"]) {
      expect(toSource(text.indexOf(part))).toBe(expr.indexOf(part));
    }
    expect(toSource(text.indexOf("service="))).toBe(expr.indexOf("$in"));
    expect(toSource(text.length)).toBe(expr.length);
  });
});

describe("the official grammar", () => {
  const errorsOf = (expr: string) => parseExpression(expr, ref, 8).errors;

  test.each([
    "up",
    "sum by (pod) (rate(a{$in}[$window]))",
    'histogram_quantile(0.95, sum by (le) (rate(a_bucket{$in,job=~"x.*"}[5m] offset 1d)))',
    "a{$in} / on (pod) group_left () b{$namespace} > bool 3",
    "max_over_time(rate(a{$in}[$window])[1h:1m])",
  ])("takes %s", (expr) => {
    expect(errorsOf(expr)).toEqual([]);
  });

  test.each([
    ["sum(rate(a{$in}[$window])", 25, "The expression ends too early."],
    ["a{$in} + ", 9, "The expression ends too early."],
    ["a{$in} b{$in}", 7, "Something is missing before “b{$in}”."],
    ["a{$in}}", 6, "“}” does not belong here."],
    ["", 0, "Write an expression."],
  ])("tells where %s is wrong", (expr, from, message) => {
    const [first] = errorsOf(expr);
    expect(first?.message).toContain(message);
    expect(first?.from).toBe(from);
  });

  test("never gives a place outside the text", () => {
    const piece = fc.constantFrom("a", "{$in}", "[$window]", "sum(", ")", " + ", '"x', "}", "1", " by (pod) ", "$", "#", "\n");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const expr = pieces.join("");
        for (const { from, to } of errorsOf(expr)) {
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeGreaterThanOrEqual(from);
          expect(to).toBeLessThanOrEqual(expr.length);
        }
      }),
    );
  });

  test("names the selectors that are not limited to the service", () => {
    expect(parseExpression('a{$in} / b{x="y"} + up', ref, 8).unlimited).toEqual(['b{x="y"}', "up"]);
  });

  test("finds the service's own metrics", () => {
    expect(metricsOfService('sum(rate(a_total{$in,x="y"}[$window])) / b{$namespace} + c{$in}')).toEqual(["a_total", "c"]);
  });
});

describe("the expressions of one chart", () => {
  test("are asked as one, each with a number on its series, also when one ends with a comment", () => {
    const joined = joinExpressions(["up # now", "sum(rate(a[5m]))"]);
    expect(joined).toBe(
      'label_replace(\nup # now\n, "switchyard_query", "0", "", "") or label_replace(\nsum(rate(a[5m]))\n, "switchyard_query", "1", "", "")',
    );
    expect(parseExpression(joined ?? "", ref, 8).errors).toEqual([]);
    expect(joinExpressions(["up"])).toBe("up");
  });

  test.each(["1", "-(2)", "time() - 5", "scalar(sum(up))", "pi() * 2 # round"])(
    "are asked apart when one is a number: %s",
    (expr) => {
      expect(joinExpressions(["up", expr])).toBeNull();
    },
  );

  test.each(["vector(1)", "up * 2", "2 - up", "(-up)", "up and on () b", "max_over_time(a[5m])", "up # 1"])(
    "are vectors: %s",
    (expr) => {
      expect(joinExpressions(["up", expr])).not.toBeNull();
    },
  );

  test("get their own series back", () => {
    const at = new Date(0);
    const window = { from: 0, to: 5, stepSeconds: 5, rateSeconds: 8, settleSeconds: 2 };
    const values = new Float64Array();
    const one = (number: string, pod: string) => ({ labels: { switchyard_query: number, pod }, values });
    const answer = { series: [one("1", "a"), one("0", "b"), one("1", "c")], window, at, problem: "slow" };
    const own = (...pods: string[]) => ({
      series: pods.map((pod) => ({ labels: { pod }, values })),
      window,
      at,
      problem: "slow",
    });
    expect(splitAnswer(answer, 2)).toEqual([own("b"), own("a", "c")]);
  });
});

test("matchers quote what they are given", () => {
  expect(serviceMatchers({ namespace: "a\nb", name: 'c"d' })).toBe('namespace="a\\nb",service="c\\"d"');
});
