import { describe, expect, it } from "vitest";
import { readableExpression } from "./promql-template.ts";

describe("an expression with placeholders", () => {
  it("reads as PromQL", () => {
    expect(readableExpression("sum(rate(up{$in}[$window]))").text).toBe('sum(rate(up{service="x"}[1m]))');
  });

  it("leads each place of what is read back to what was written", () => {
    const source = "sum(rate(up{$in}[$window])) by (pod";
    const { text, toSource } = readableExpression(source);
    for (const word of ["sum", "up", "} ", "[", "by", "pod"]) {
      const at = text.indexOf(word.trim());
      expect(toSource(at), word).toBe(source.indexOf(word.trim()));
    }
    expect(toSource(text.length)).toBe(source.length);
    expect(toSource(text.indexOf("service") + 3)).toBe(source.indexOf("$in"));
  });

  it("leaves other words with a dollar as they are, for the grammar to refuse", () => {
    expect(readableExpression("up{$instance}").text).toBe("up{$instance}");
  });
});
