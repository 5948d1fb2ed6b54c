import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { RuleTemplate } from "#lib/prometheus/rule-template.ts";
import { fillRules, readOverrides, renderRules } from "#lib/prometheus/rules.ts";
import { projectDir } from "#services/launcher/env.ts";
import { demoSettings, generateFiles, printRules, readTemplates } from "#services/launcher/rule-files.ts";

/** The alert rules by Prometheus' own tools: they are taken, and fire when they should and not else. */

const templates = readTemplates().map((template) => ({ name: template.name, template }));
const hasPromtool = has("promtool");
const hasAmtool = has("amtool");
const needs = (tool: string, isThere: boolean) => (isThere ? "" : ` (skipped: this machine has no ${tool})`);

type Expectation = { alertname: string; exp_alerts: object[] };
type RuleTests = { tests: { name: string; alert_rule_test?: Expectation[] }[] };
type ConfigMap = { kind: string; metadata: { name: string }; data: Record<string, string> };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-rules-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.skipIf(!hasPromtool)(`promtool${needs("promtool", hasPromtool)}`, () => {
  it.each(templates)("takes the rules of $name with the guides' values and with the demo's", async ({ name, template }) => {
    const demo = readOverrides(
      [template],
      demoSettings
        .filter((setting) => /^all\./.test(setting) || setting.startsWith(`${name}.`))
        .filter((setting) => isOf(template, setting)),
    );
    for (const [kind, overrides] of [
      ["guides", {}],
      ["demo", demo.get(name)],
    ] as const) {
      const file = await write(`${kind}/${name}.yaml`, renderRules(fillRules(template, overrides)));
      const { code, output } = await run("promtool", ["check", "rules", file]);
      expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/SUCCESS: \d+ rules found/) });
    }
  });

  it("takes all rules in one file, and refuses one that is wrong", async () => {
    const text = printRules(readTemplates(), [], "file");
    const good = await run("promtool", ["check", "rules", await write("all.yaml", text)]);
    expect({ code: good.code, output: good.output }).toEqual({ code: 0, output: expect.stringContaining("SUCCESS") });
    const bad = await run("promtool", ["check", "rules", await write("bad.yaml", text.replace("sum by (", "sum bye ("))]);
    expect(bad.code).toBe(1);
  });

  it.each(templates)(
    "the alerts of $name fire when they should and not else",
    async ({ name, template }) => {
      const bare = fillRules(template).map(({ rules, ...group }) => ({
        ...group,
        rules: rules.map((rule) => ("alert" in rule ? { ...rule, annotations: {} } : rule)),
      }));
      await write(`${name}/alerts.yaml`, stringify({ groups: bare }));
      const tests = testFiles(name).map((file) => write(`${name}/${basename(file)}`, readFileSync(file, "utf8")));
      const { code, output } = await run("promtool", ["test", "rules", ...(await Promise.all(tests))]);
      expect(code, output).toBe(0);
    },
    300_000,
  );

  it("takes the demo's prometheus.yml", async () => {
    const file = await write("prometheus.yml", config("70-prometheus.yaml", "prometheus-config")["prometheus.yml"] ?? "");
    const { code, output } = await run("promtool", ["check", "config", "--syntax-only", file]);
    expect(code, output).toBe(0);
  });
});

it.each(templates)("every alert of $name has a case in which it fires and one in which it does not", ({ name, template }) => {
  const tests = testFiles(name).flatMap((file) => (parse(readFileSync(file, "utf8")) as RuleTests).tests);
  const expectations = tests.flatMap((test) => test.alert_rule_test ?? []);
  const named = (isFiring: boolean) =>
    new Set(expectations.filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring).map(({ alertname }) => alertname));
  const alerts = template.groups.flatMap(({ rules }) => rules.flatMap((rule) => ("alert" in rule ? [rule.alert] : [])));
  const always = ["Watchdog"];
  expect(alerts.filter((alert) => !named(true).has(alert))).toEqual([]);
  expect(alerts.filter((alert) => !named(false).has(alert) && !always.includes(alert))).toEqual([]);
});

describe.skipIf(!hasAmtool)(`amtool${needs("amtool", hasAmtool)}`, () => {
  const alertmanager = () =>
    write("alertmanager.yml", config("80-alertmanager.yaml", "alertmanager-config")["alertmanager.yml"] ?? "");

  it("takes the demo's alertmanager.yml", async () => {
    const { code, output } = await run("amtool", ["check-config", await alertmanager()]);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining("2 inhibit rules") });
  });
});

describe("the README's examples", () => {
  it.skipIf(!hasPromtool)("are a prometheus.yml that promtool takes", async () => {
    const file = await write("example/prometheus.yml", example("scrape_configs:"));
    const { code, output } = await run("promtool", ["check", "config", "--syntax-only", file]);
    expect(code, output).toBe(0);
  });

  it.skipIf(!hasAmtool)("are an alertmanager.yml that amtool takes, and routes the Watchdog to Switchyard", async () => {
    const file = await write("example/alertmanager.yml", example("route:"));
    const { code, output } = await run("amtool", ["check-config", file]);
    expect(code, output).toBe(0);
    const routed = await run("amtool", ["config", "routes", "test", `--config.file=${file}`, "alertname=Watchdog"]);
    expect(routed.output).toMatch(/^switchyard\n/);
  });
});

it("the demo's ConfigMap holds a file for every template, and Prometheus is told to load them", () => {
  const rules = config("65-prometheus-rules.yaml", "prometheus-rules");
  expect(Object.keys(rules)).toEqual(templates.map(({ name }) => `${name}.yaml`));
  expect(config("70-prometheus.yaml", "prometheus-config")["prometheus.yml"]).toContain(
    "rule_files: [/etc/prometheus-rules/*.yaml]",
  );
});

it("the objects for real clusters hold the rules with the guides' values", () => {
  for (const { path, text } of generateFiles(readTemplates()).filter((file) => file.path.endsWith("prometheus-rule.yaml"))) {
    const name = path.split("/")[1];
    const template = templates.find((entry) => entry.name === name)?.template;
    if (!template) throw new Error(`no template for ${path}`);
    expect(parse(text)).toMatchObject({ kind: "PrometheusRule", spec: { groups: fillRules(template) } });
  }
});

function isOf({ name, parameters }: RuleTemplate, setting: string): boolean {
  const [, address = "", parameter = ""] = /^(\w+)\.(\w+)=/.exec(setting) ?? [];
  return address === name || parameter in parameters;
}

/** An indented block of the README that begins with this line. */
function example(begin: string): string {
  const readme = readFileSync(join(projectDir, "README.md"), "utf8").split("\n");
  const first = readme.findIndex((line) => line.trim() === begin);
  const indent = (readme[first] ?? "").search(/\S/);
  const rest = readme.slice(first);
  const end = rest.findIndex((line) => line.trim() !== "" && line.search(/\S/) < indent);
  return rest
    .slice(0, end)
    .map((line) => line.slice(indent))
    .join("\n");
}

function config(file: string, name: string): Record<string, string> {
  const objects = parseAllDocuments(readFileSync(join(projectDir, "deploy", "demo", file), "utf8")).map(
    (document) => document.toJS() as ConfigMap,
  );
  const map = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name);
  if (!map) throw new Error(`${file} has no ConfigMap ${name}`);
  return map.data;
}

function testFiles(name: string): string[] {
  return globSync(join(projectDir, "services", name, "deploy", "alerts*.test.yaml"));
}

async function write(path: string, text: string): Promise<string> {
  const file = join(directory, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text);
  return file;
}

function has(tool: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(command, args, { encoding: "utf8", timeout: 300_000 }, (error, stdout, stderr) => {
      done({ code: error ? (typeof error.code === "number" ? error.code : 1) : 0, output: stdout + stderr });
    });
  });
}
