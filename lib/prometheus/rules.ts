import { stringify } from "yaml";
import { explainValue, parameterUse, type RuleGroup, type RuleTemplate, RuleTemplateError } from "./rule-template.ts";

/**
 * Alert rules as templates with parameters: what a rule means stands beside its daemon once, and windows, waits and thresholds are
 * chosen per installation. Rendered to a rule file for Prometheus, or to a PrometheusRule object for its operator.
 */

/** Values by the parameter's name. */
export type RuleOverrides = Readonly<Record<string, string>>;

/** The template's groups with every parameter filled in. Throws RuleTemplateError for what is unknown or out of bounds. */
export function fillRules(template: RuleTemplate, overrides: RuleOverrides = {}): RuleGroup[] {
  const problems = Object.entries(overrides).flatMap(([name, value]) => explainOverride(template, name, value) ?? []);
  if (problems.length > 0) throw new RuleTemplateError(problems);
  const values = new Map(Object.entries(template.parameters).map(([name, parameter]) => [name, parameter.default]));
  for (const [name, value] of Object.entries(overrides)) values.set(name, value);
  const fill = (text: string) => text.replace(parameterUse, (use, name: string) => values.get(name) ?? use);
  return template.groups.map((group) => fillTexts(group, fill));
}

/** A rule file as Prometheus loads it (`rule_files`); the groups of several templates can be given at once. */
export function renderRules(groups: readonly RuleGroup[]): string {
  return stringify({ groups }, { lineWidth: 0 });
}

export type PrometheusRule = {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata: { name: string; labels: Record<string, string> };
  spec: { groups: readonly RuleGroup[] };
};

/** The same as an object of the Prometheus Operator, which a Prometheus with a matching ruleSelector loads. */
export function toPrometheusRule(name: string, groups: readonly RuleGroup[]): PrometheusRule {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: {
      name: `switchyard-${name}`,
      labels: { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "switchyard" },
    },
    spec: { groups },
  };
}

/**
 * Reads overrides as they are given on a command line, `relay.latencyWindow=15s`, to overrides by template. `all.NAME=VALUE` goes to
 * every template that has the parameter. Throws RuleTemplateError that names each bad one and what there is instead.
 */
export function readOverrides(templates: readonly RuleTemplate[], settings: readonly string[]): Map<string, RuleOverrides> {
  const chosen = new Map<string, Record<string, string>>();
  const problems: string[] = [];
  for (const setting of settings) {
    const [, name = "", parameter = "", value = ""] = /^([\w-]+)\.(\w+)=(.*)$/.exec(setting) ?? [];
    if (name === "") problems.push(`"${setting}": wants NAME.PARAMETER=VALUE, e.g. relay.latencyWindow=15s`);
    const addressed = templates.filter(
      (template) => template.name === name || (name === "all" && parameter in template.parameters),
    );
    if (name !== "" && addressed.length === 0) problems.push(explainAddress(templates, name, parameter));
    for (const template of addressed) {
      const problem = explainOverride(template, parameter, value);
      if (problem) problems.push(problem);
      chosen.set(template.name, { ...chosen.get(template.name), [parameter]: value });
    }
  }
  if (problems.length > 0) throw new RuleTemplateError(problems);
  return chosen;
}

function explainOverride(template: RuleTemplate, name: string, value: string): string | null {
  if (!Object.hasOwn(template.parameters, name)) {
    return `${template.name}.${name}: there is no such parameter; ${template.name} has ${Object.keys(template.parameters).join(", ")}`;
  }
  const problem = explainValue(template, name, value);
  return problem ? `${template.name}.${name}: ${problem}` : null;
}

function explainAddress(templates: readonly RuleTemplate[], name: string, parameter: string): string {
  if (name === "all") return `all.${parameter}: no template has such a parameter`;
  return `${name}.${parameter}: there are no rules of that name; there are ${templates.map((template) => template.name).join(", ")}`;
}

function fillTexts<T>(value: T, fill: (text: string) => string): T {
  if (typeof value === "string") return fill(value) as T;
  if (Array.isArray(value)) return value.map((entry) => fillTexts(entry, fill)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillTexts(entry, fill)])) as T;
}
