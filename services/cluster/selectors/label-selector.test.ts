import { describe, expect, it } from "vitest";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";
import { matchesLabels, parseLabelSelector, SelectorError } from "./label-selector.ts";

const labels = { tier: "front", app: "relay", "example.com/role": "edge", size: "5" };

describe("a label selector", () => {
  it.each([
    ["", true],
    ["tier=front", true],
    ["tier==front,app=relay", true],
    ["tier=back", false],
    ["tier!=back", true],
    ["missing!=anything", true],
    ["tier in (front, back)", true],
    ["tier in (back)", false],
    ["tier notin (back),app", true],
    ["missing notin (x)", true],
    ["!missing", true],
    ["!tier", false],
    ["example.com/role=edge", true],
    ["size>4,size<6", true],
    ["size>5", false],
    ["tier=", false],
    ["tier in (,front)", true],
  ])("%s matches: %s", (text, expected) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected);
  });

  it.each(["a in b", "a in (b", "=x", "a,,b", "a b", "a=b,", "a=$", "-a", "a>x", "(", "!"])("refuses %s", (text) => {
    expect(() => parseLabelSelector(text)).toThrow(SelectorError);
  });
});

describe("a field selector", () => {
  const fields = { "status.phase": "Running", "spec.nodeName": "" };

  it.each([
    ["status.phase=Running", true],
    ["status.phase==Running,spec.nodeName=", true],
    ["status.phase!=Running", false],
    ["spec.nodeName!=node-1", true],
    ["status.phase=a\\,b", false],
  ])("%s matches: %s", (text, expected) => {
    expect(matchesFields(parseFieldSelector(text), fields)).toBe(expected);
  });

  it("refuses a term without an operator", () => {
    expect(() => parseFieldSelector("status.phase")).toThrow("invalid selector");
  });
});
