import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import type { ServiceRef } from "../fleet/schemas.ts";
import { type Filled, fillPlaceholders, type TextSpan } from "./expression.ts";

// What the official grammar says of an expression. It knows the syntax, not the types: those are Prometheus' to judge.

export type SyntaxError = TextSpan & { message: string };

/** An expression with its placeholders filled in, or what is wrong with it; places are in the text as written. */
export type ParsedExpression = {
  filled: Filled;
  errors: SyntaxError[];
  /** Selectors that are limited neither to the service nor to its namespace, as written. */
  unlimited: string[];
};

type Selector = TextSpan & { metric: string | null };

const anyService: ServiceRef = { namespace: "any", name: "any" };

/** Reads an expression for one service; nothing is asked of Prometheus. */
export function parseExpression(expr: string, ref: ServiceRef, rateSeconds: number): ParsedExpression {
  const filled = fillPlaceholders(expr, ref, rateSeconds);
  if (expr.trim() === "")
    return { filled, errors: [{ from: 0, to: expr.length, message: "Write an expression." }], unlimited: [] };
  if (filled.errors.length > 0) return { filled, errors: filled.errors, unlimited: [] };
  const { errors, selectors } = walk(filled.text);
  const place = ({ from, to }: TextSpan) => ({ from: filled.toSource(from), to: filled.toSource(to) });
  return {
    filled,
    errors: errors.map(place).map((error) => ({ ...error, message: describe(expr, error) })),
    unlimited: selectors
      .map(place)
      .filter(({ from, to }) => !filled.matcherPlaces.some((matcher) => matcher.from >= from && matcher.to <= to))
      .map(({ from, to }) => expr.slice(from, to)),
  };
}

/** The names of the service's own metrics that an expression reads: those whose selector has `$in`. */
export function metricsOfService(expr: string): string[] {
  const filled = fillPlaceholders(expr, anyService, 60);
  return walk(filled.text).selectors.flatMap(({ metric, from, to }) => {
    const source = expr.slice(filled.toSource(from), filled.toSource(to));
    return metric !== null && source.includes("$in") ? [metric] : [];
  });
}

const scalarFunctions = new Set(["scalar", "time", "pi"]);

/** Whether an expression without placeholders gives a vector; what it gives else is a number. */
export function isVector(expr: string): boolean {
  const isVectorNode = (node: SyntaxNode | null): boolean => {
    if (!node) return false;
    if (node.name === "BinaryExpr") return isVectorNode(node.firstChild) || isVectorNode(node.lastChild);
    if (node.name === "ParenExpr" || node.name === "UnaryExpr" || node.name === "PromQL")
      return isVectorNode(lastExpression(node));
    if (node.name === "NumberDurationLiteral" || node.name === "StringLiteral") return false;
    const called = node.getChild("FunctionIdentifier");
    return !called || !scalarFunctions.has(expr.slice(called.from, called.to));
  };
  return isVectorNode(parser.parse(expr).topNode);
}

function lastExpression(node: SyntaxNode): SyntaxNode | null {
  let child = node.lastChild;
  while (child?.name === "LineComment") child = child.prevSibling;
  return child;
}

function walk(text: string): { errors: TextSpan[]; selectors: Selector[] } {
  const errors: TextSpan[] = [];
  const selectors: Selector[] = [];
  parser.parse(text).iterate({
    enter({ name, from, to, type, node }) {
      // An unfinished nesting is one mistake for each level, all at one place.
      if (type.isError && errors.at(-1)?.from !== from) errors.push({ from, to });
      if (name !== "VectorSelector") return;
      const identifier = node.getChild("Identifier");
      selectors.push({ from, to, metric: identifier ? text.slice(identifier.from, identifier.to) : null });
    },
  });
  return { errors, selectors };
}

function describe(text: string, { from, to }: TextSpan): string {
  const found = text.slice(from, to).trim();
  if (found !== "") return `${shorten(found)} does not belong here.`;
  const rest = text.slice(to).trimStart();
  return rest === "" ? "The expression ends too early." : `Something is missing before ${shorten(rest)}.`;
}

function shorten(text: string): string {
  return text.length > 20 ? `“${text.slice(0, 20)}…”` : `“${text}”`;
}
