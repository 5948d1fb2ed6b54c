"use client";
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { parser } from "@prometheus-io/lezer-promql";
import type { ReactNode } from "react";

/** The classes that parts of an expression have, in the page and in the editor alike. */
export const promqlHighlighter = tagHighlighter([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], class: "text-held" },
  { tag: [tags.function(tags.variableName), tags.special(tags.variableName)], class: "text-accent" },
  { tag: tags.string, class: "text-good" },
  { tag: tags.number, class: "text-warn" },
  { tag: tags.labelName, class: "text-ink-2" },
  { tag: [tags.operator, tags.paren, tags.squareBracket, tags.brace, tags.separator], class: "text-ink-3" },
  { tag: tags.comment, class: "italic text-ink-3" },
]);

/** A PromQL expression, coloured by Prometheus' own grammar. */
export default function PromqlText({ expr }: { expr: string }) {
  const parts: ReactNode[] = [];
  const put = (text: string, classes: string) =>
    parts.push(
      <span key={parts.length} className={classes}>
        {text}
      </span>,
    );
  highlightCode(expr, parser.parse(expr), promqlHighlighter, put, () => parts.push("\n"));
  return <>{parts}</>;
}
