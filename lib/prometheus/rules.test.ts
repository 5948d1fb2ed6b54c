import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseDuration, parseRuleTemplate, RuleTemplateError } from "./rule-template.ts";
import { fillRules, readOverrides, renderRules, toPrometheusRule } from "./rules.ts";

const annotations = 'annotations: { summary: "{{ $labels.service }}: {{ $value }}", description: "over $window" }';
const text = `
parameters:
  window: { default: 5m, unit: duration, description: what the rate is taken over }
  windowShare: { default: 0.01, unit: ratio, description: how much of it may fail }
  wait: { default: 0s, unit: duration, description: how long it has to last }
  bound: { default: 0.05, unit: number, description: a bound of the histogram, oneOf: [0.05, 0.1] }
  service: { default: relay, unit: name, description: whose it is }
  runbooks: { default: "https://a.example/b", unit: url, description: where the runbooks are }
groups:
  - name: one
    interval: $wait
    rules:
      - record: service:errors:ratio
        expr: label_replace(rate(errors{le="$bound"}[$window]), "service", "$1", "target", "(.*)")
        labels: { window: $window }
      - alert: TooMany
        expr: service:errors:ratio > $windowShare
        for: $wait
        labels: { severity: warning, service: $service }
        annotations: { summary: "{{ $labels.service }}: {{ $value }}", description: "over $window", runbook_url: $runbooks/x }
`;
const template = parseRuleTemplate("relay", text);

function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof RuleTemplateError) return error.problems;
    throw error;
  }
  return [];
}

function withGroups(groups: string, parameters = "{}"): () => unknown {
  return () => parseRuleTemplate("relay", `parameters: ${parameters}\ngroups:\n${groups}`);
}

describe("a rule template", () => {
  test("is filled with its defaults, whole names only, and Prometheus' own variables stay", () => {
    const [group] = fillRules(template);
    expect(group).toEqual({
      name: "one",
      interval: "0s",
      rules: [
        {
          record: "service:errors:ratio",
          expr: 'label_replace(rate(errors{le="0.05"}[5m]), "service", "$1", "target", "(.*)")',
          labels: { window: "5m" },
        },
        {
          alert: "TooMany",
          expr: "service:errors:ratio > 0.01",
          for: "0s",
          labels: { severity: "warning", service: "relay" },
          annotations: {
            summary: "{{ $labels.service }}: {{ $value }}",
            description: "over 5m",
            runbook_url: "https://a.example/b/x",
          },
        },
      ],
    });
  });

  test("takes other values, and leaves the template as it is", () => {
    const [group] = fillRules(template, { window: "15s", windowShare: "0.5" });
    expect(group?.rules.map(({ expr }) => expr)).toEqual([
      'label_replace(rate(errors{le="0.05"}[15s]), "service", "$1", "target", "(.*)")',
      "service:errors:ratio > 0.5",
    ]);
    expect(fillRules(template)[0]?.rules[1]?.expr).toBe("service:errors:ratio > 0.01");
  });

  test("is written as a rule file that reads back as the same", () => {
    expect(parse(renderRules(fillRules(template)))).toEqual({ groups: fillRules(template) });
  });

  test("is written as an object of the Prometheus Operator", () => {
    expect(toPrometheusRule("relay", fillRules(template))).toMatchObject({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: "switchyard-relay", labels: { "app.kubernetes.io/part-of": "switchyard" } },
      spec: { groups: [{ name: "one" }] },
    });
  });

  const alert = (extra: string) => `  - name: one\n    rules:\n      - { alert: TooMany, expr: up == 0, ${extra} }`;

  test.each([
    [
      "a parameter that is used and not declared",
      withGroups(alert(`for: $wait, labels: { severity: none }, ${annotations}`)),
      "relay: $wait is used and not declared",
    ],
    [
      "a parameter that nothing uses",
      () => parseRuleTemplate("relay", text.replaceAll("$bound", "0.05")),
      "relay: bound is declared and not used",
    ],
    [
      "a default that is none",
      () => parseRuleTemplate("relay", text.replace("default: 5m", "default: 5 minutes")),
      'relay: the default of window wants a duration such as 30s, 5m or 1h30m, got "5 minutes"',
    ],
    ["an alert without a severity", withGroups(alert(`labels: {}, ${annotations}`)), "relay: groups.0.rules.0"],
    [
      "an alert that does not say what it is",
      withGroups(alert('labels: { severity: none }, annotations: { summary: "" }')),
      "relay: groups.0.rules.0",
    ],
    ["a misspelt field", withGroups(alert(`fro: 5m, labels: { severity: none }, ${annotations}`)), "relay: groups.0.rules.0"],
    [
      "two groups of one name",
      () => parseRuleTemplate("relay", `${text}  - name: one\n    rules: [{ record: "a:b", expr: up }]\n`),
      "relay: two groups are named one",
    ],
    ["what is no YAML", () => parseRuleTemplate("relay", "groups: [}"), "relay: "],
  ])("is refused with %s", (_, work, problem) => {
    expect(problemsOf(work).join("\n")).toContain(problem);
  });
});

describe("an override", () => {
  test.each([
    ["relay.windw=15s", "relay.windw: there is no such parameter; relay has window, windowShare, wait, bound, service, runbooks"],
    ["hub.window=15s", "hub.window: there are no rules of that name; there are relay"],
    ["all.pause=15s", "all.pause: no template has such a parameter"],
    ["window=15s", '"window=15s": wants NAME.PARAMETER=VALUE, e.g. relay.latencyWindow=15s'],
    ["relay.window=15", 'relay.window: wants a duration such as 30s, 5m or 1h30m, got "15"'],
    ["relay.window=", 'relay.window: wants a duration such as 30s, 5m or 1h30m, got ""'],
    ["relay.window=0s", 'relay.window: wants a window longer than 0, got "0s"'],
    ["relay.windowShare=1.01", 'relay.windowShare: wants a ratio between 0 and 1, got "1.01"'],
    ["relay.windowShare=1 or vector(1)", 'relay.windowShare: wants a ratio between 0 and 1, got "1 or vector(1)"'],
    ["relay.bound=0.07", 'relay.bound: wants one of 0.05, 0.1, got "0.07"'],
    ["relay.bound=-0.1", 'relay.bound: wants a number from 0, got "-0.1"'],
    ["relay.service=a b", 'relay.service: wants a name of small letters, digits and -, got "a b"'],
    [
      "relay.runbooks=javascript:alert(1)",
      'relay.runbooks: wants an address that begins with http:// or https://, got "javascript:alert(1)"',
    ],
    [
      "relay.toString=1",
      "relay.toString: there is no such parameter; relay has window, windowShare, wait, bound, service, runbooks",
    ],
  ])("%s is refused by name", (setting, problem) => {
    expect(problemsOf(() => readOverrides([template], [setting]))).toEqual([problem]);
  });

  test("is refused with every other bad one at once", () => {
    expect(problemsOf(() => readOverrides([template], ["relay.window=x", "relay.wait=5m", "relay.bound=x"]))).toHaveLength(2);
  });

  test("for all goes to the templates that have the parameter, and a later one wins", () => {
    const hub = parseRuleTemplate("hub", text.replaceAll("windowShare", "otherShare"));
    const chosen = readOverrides([template, hub], ["all.window=1m", "hub.window=2m", "all.windowShare=1"]);
    expect(Object.fromEntries(chosen)).toEqual({ relay: { window: "1m", windowShare: "1" }, hub: { window: "2m" } });
  });

  test("cannot bring anything into an expression but what its unit allows", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom("window", "windowShare", "service"), (value, name) => {
        const taken = problemsOf(() => fillRules(template, { [name]: value })).length === 0;
        return !taken || /^[a-z0-9.-]+$/.test(value);
      }),
      { numRuns: 2_000 },
    );
  });
});

test("a duration is whole numbers with units from large to small", () => {
  expect(["1h30m", "90s", "100ms", "0s", "1y2w3d"].map(parseDuration)).toEqual([5_400_000, 90_000, 100, 0, 33_004_800_000]);
  expect(["", "5", "m", "30m1h", "1.5h", "-5m", "5 m"].map(parseDuration)).toEqual(Array(7).fill(null));
});
