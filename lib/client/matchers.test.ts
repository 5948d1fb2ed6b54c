import { describe, expect, it } from "vitest";
import { furtherLabels, matcherOf, matcherProblem, matchersFor, matcherText, signOf, withSign } from "./matchers.ts";

const labels = (over: Record<string, string> = {}) => ({
  labels: { alertname: "RelayHighLatency", namespace: "fleet", service: "relay", pod: "relay-a", ...over },
});
const plain = { name: "pod", value: "relay-a", isEqual: true, isRegex: false };

describe("matchers of a silence", () => {
  it("fill in what the alert is, not which instance it is of", () => {
    expect(matchersFor([labels()]).map(matcherText)).toEqual([
      'alertname="RelayHighLatency"',
      'namespace="fleet"',
      'service="relay"',
    ]);
  });

  it("leave out a label that one of several alerts lacks", () => {
    expect(matchersFor([labels(), labels({ service: "" })]).map((matcher) => matcher.name)).toEqual(["alertname", "namespace"]);
  });

  it("cover several values by an alternation in which nothing is special", () => {
    const matcher = matcherOf([labels({ pod: "b.1" }), labels({ pod: "a+2" })], "pod");
    expect(matcher && matcherText(matcher)).toBe('pod=~"a\\\\+2|b\\\\.1"');
    const hides = new RegExp(`^(?:${matcher?.value})$`);
    expect(["b.1", "a+2", "bx1", "aa2"].map((value) => hides.test(value))).toEqual([true, true, false, false]);
  });

  it("offer the labels that all alerts share and that are not used yet", () => {
    expect(furtherLabels([labels(), labels({ team: "core" })], matchersFor([labels()]))).toEqual(["pod"]);
  });

  it("change their sign and keep name and value", () => {
    for (const sign of ["=", "!=", "=~", "!~"] as const) {
      const changed = withSign(plain, sign);
      expect(signOf(changed)).toBe(sign);
      expect([changed.name, changed.value]).toEqual(["pod", "relay-a"]);
    }
  });

  it("are told when a name or a regular expression cannot be one", () => {
    expect(matcherProblem(plain)).toBeNull();
    expect(matcherProblem({ ...plain, name: "" })).toMatch(/name a label/i);
    expect(matcherProblem({ ...plain, name: "a-b" })).toMatch(/letters/i);
    expect(matcherProblem({ ...plain, value: "(" })).toBeNull();
    expect(matcherProblem({ ...plain, value: "(", isRegex: true })).toMatch(/regular expression/i);
  });
});
