import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { parseRuleTemplate, type RuleTemplate } from "#lib/prometheus/rule-template.ts";
import { fillRules, type RuleOverrides, readOverrides, renderRules, toPrometheusRule } from "#lib/prometheus/rules.ts";
import { projectDir } from "./env.ts";

/** The rule templates beside the daemons, and the files that are made of them. */

/** A file that is made of templates: its path from the project's root, and what has to be in it. */
export type GeneratedFile = { path: string; text: string };

/**
 * The demo's windows: short, so that a fault shows within seconds, and no shorter than its scrape interval of 2 s allows. What is not
 * here is as in the guides.
 */
export const demoSettings = [
  "all.errorWindow=20s",
  "all.errorFor=10s",
  "all.latencyWindow=15s",
  "all.latencyFor=10s",
  "all.downFor=10s",
  "all.goneWindow=5m",
  // Prometheus learns of the fleet from the web process, which is built first when the demo starts for the first time.
  "all.startWait=10m",
  "relay.dropWindow=10s",
  "relay.dropStep=2s",
  "relay.dropFor=4s",
  "edge.breakerFor=10s",
  "edge.dropWindow=1m",
  "connector.disconnectedFor=15s",
  "issuer.keysFor=10s",
  "prober.drillInterval=2s",
  "prober.failingFor=10s",
  "prober.lossWindow=1m",
  "controller.fastLong=2m",
  "controller.fastShort=20s",
  "controller.slowLong=6m",
  "controller.slowShort=1m",
  "controller.ticketLong=15m",
  "controller.ticketShort=3m",
  "controller.sliWindow=10s",
  "controller.sliInterval=4s",
  "controller.selfWindow=1m",
  "controller.selfFor=20s",
  "controller.notifyFor=20s",
  "all.runbooks=http://localhost:3000/runbooks",
];

/** Reads every template, in the order of the daemons' names. */
export function readTemplates(): RuleTemplate[] {
  const pathOf = (name: string) => join(projectDir, templatePath(name));
  const names = readdirSync(join(projectDir, "services")).filter((name) => existsSync(pathOf(name)));
  return names.sort().map((name) => parseRuleTemplate(name, readFileSync(pathOf(name), "utf8")));
}

/** What is to stand in each generated file: the rules for real clusters and for the demo, and the runbooks as pages. */
export function generateFiles(templates: readonly RuleTemplate[]): GeneratedFile[] {
  const objects = templates.map((template) => ({
    path: `services/${template.name}/deploy/prometheus-rule.yaml`,
    text: `${header([templatePath(template.name)])}${yaml(toPrometheusRule(template.name, fillRules(template)))}`,
  }));
  return [
    ...objects,
    { path: "deploy/demo/65-prometheus-rules.yaml", text: demoRules(templates) },
    { path: "lib/domain/runbooks/delivered.json", text: runbooks(templates) },
  ];
}

/** All templates as one rule file, or as PrometheusRule objects. */
export function printRules(
  templates: readonly RuleTemplate[],
  settings: readonly string[],
  format: "file" | "prometheusrule",
): string {
  const overrides = readOverrides(templates, settings);
  const filled = templates.map((template) => ({
    name: template.name,
    groups: fillRules(template, overrides.get(template.name)),
  }));
  if (format === "file") return renderRules(filled.flatMap(({ groups }) => groups));
  return filled.map(({ name, groups }) => yaml(toPrometheusRule(name, groups))).join("---\n");
}

/** Every parameter with its default and what it is, a line each. */
export function listParameters(templates: readonly RuleTemplate[]): string {
  const rows = templates.flatMap(({ name, parameters }) =>
    Object.entries(parameters).map(([parameter, { default: value, description }]) => [
      `${name}.${parameter}`,
      value,
      description,
    ]),
  );
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}

function demoRules(templates: readonly RuleTemplate[]): string {
  const overrides: Map<string, RuleOverrides> = readOverrides(templates, demoSettings);
  const files = templates.map((template) => [
    `${template.name}.yaml`,
    renderRules(fillRules(template, overrides.get(template.name))),
  ]);
  return `${header(templates.map(({ name }) => templatePath(name)))}${yaml({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "prometheus-rules", namespace: "monitoring" },
    data: Object.fromEntries(files),
  })}`;
}

/** The runbooks beside the daemons, for the pages that alerts link to. */
function runbooks(templates: readonly RuleTemplate[]): string {
  const texts = templates.map(({ name }) => [name, readFileSync(join(projectDir, "services", name, "RUNBOOK.md"), "utf8")]);
  return `${JSON.stringify(Object.fromEntries(texts), null, 2)}\n`;
}

function templatePath(name: string): string {
  return `services/${name}/deploy/alerts.yaml`;
}

function header(paths: string[]): string {
  const from = paths.length > 1 ? "services/*/deploy/alerts.yaml with the demo's windows" : paths[0];
  return `# Made from ${from} by \`npm run rules\`: change it there.\n`;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
