import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseDuration } from "#lib/prometheus/rule-template.ts";
import { fillRules, readOverrides } from "#lib/prometheus/rules.ts";
import { projectDir } from "./env.ts";
import { demoSettings, generateFiles, listParameters, printRules, readTemplates } from "./rule-files.ts";

const templates = readTemplates();
const alertsOf = (settings: readonly string[] = []) => {
  const overrides = readOverrides(templates, settings);
  return templates.flatMap((template) =>
    fillRules(template, overrides.get(template.name)).flatMap(({ rules }) =>
      rules.flatMap((rule) => ("alert" in rule ? [{ ...rule, template: template.name }] : [])),
    ),
  );
};

test("every daemon has rules, and so has Switchyard itself", () => {
  expect(templates.map(({ name }) => name)).toEqual(["connector", "controller", "edge", "hub", "issuer", "prober", "relay"]);
});

test("the files that are made of the templates are up to date; npm run rules writes them", () => {
  const stale = generateFiles(templates).filter(({ path, text }) => readFileSync(join(projectDir, path), "utf8") !== text);
  expect(stale.map(({ path }) => path)).toEqual([]);
});

test("the defaults are the guides'", () => {
  const value = (name: string, parameter: string) =>
    templates.find((entry) => entry.name === name)?.parameters[parameter]?.default;
  const expected = {
    "relay.latencyWindow": "5m", "relay.latencyThreshold": "0.05", "relay.latencyFor": "5m",
    "relay.dropWindow": "1m", "relay.dropPerSecond": "100", "relay.dropFor": "2m",
    "relay.errorWindow": "5m", "relay.errorRatio": "0.01", "relay.errorFor": "5m",
    "hub.errorWindow": "5m", "hub.errorsPerSecond": "10", "hub.errorFor": "5m",
    "hub.latencyWindow": "5m", "hub.latencyThreshold": "1", "hub.latencyFor": "10m",
    "hub.downFor": "1m", "prober.drillWindow": "10s",
    "controller.fastLong": "1h", "controller.fastShort": "5m", "controller.fastBurn": "14.4",
    "controller.slowLong": "6h", "controller.slowShort": "30m", "controller.slowBurn": "6",
    "controller.ticketLong": "3d", "controller.ticketShort": "6h", "controller.ticketBurn": "1",
  }; // biome-ignore format: a table
  expect(Object.fromEntries(Object.keys(expected).map((key) => [key, value(...(key.split(".") as [string, string]))]))).toEqual(
    expected,
  );
});

test("the guides' alerts are all there, and the rest that this product promises", () => {
  const names = new Set(alertsOf().map(({ alert }) => alert));
  for (const name of [
    "HighErrorRate",
    "ServiceDown",
    "HighLatency",
    "RelayHighLatency",
    "RelayConnectionDrop",
    "RelayHighErrorRate",
    "ErrorBudgetBurnFast",
    "ErrorBudgetBurn",
    "ErrorBudgetBurnSlow",
    "BackupStale",
    "ProbeInterrupted",
    "Watchdog",
  ])
    expect(names).toContain(name);
});

test("every alert has a section in the runbook that it links to", () => {
  for (const { alert, annotations } of alertsOf()) {
    const [, name = ""] = /^https:\/\/switchyard\.dev\/runbooks\/([a-z]+)#/.exec(annotations.runbook_url ?? "") ?? [];
    expect(annotations.runbook_url, alert).toBe(`https://switchyard.dev/runbooks/${name}#${alert}`);
    expect(readFileSync(join(projectDir, "services", name, "RUNBOOK.md"), "utf8"), name).toContain(`\n## ${alert}\n`);
  }
});

test("no runbook has a section of an alert that there is not", () => {
  const names = new Set(alertsOf().map(({ alert }) => alert));
  const folders = readdirSync(join(projectDir, "services")).filter((name) =>
    templates.some((template) => template.name === name),
  );
  for (const folder of folders) {
    const text = readFileSync(join(projectDir, "services", folder, "RUNBOOK.md"), "utf8");
    for (const [, title] of text.matchAll(/^## (.+)$/gm)) expect(names, `${folder}: ${title}`).toContain(title);
  }
});

test("the alert of drills waits for nothing", () => {
  expect(alertsOf().find(({ alert }) => alert === "ProbeInterrupted")?.for).toBeUndefined();
});

test("in the demo no alert waits longer than half a minute, and no window is shorter than two of its scrapes", () => {
  for (const { alert, for: wait } of alertsOf(demoSettings)) {
    const isSlow = ["HubCertificateExpiring", "BackupStale", "BackupMissing"].includes(alert);
    if (!isSlow) expect(parseDuration(wait ?? "0s"), alert).toBeLessThanOrEqual(30_000);
  }
  const text = printRules(templates, demoSettings, "file");
  for (const [, window = ""] of text.matchAll(/\[(\w+)\]/g)) expect(parseDuration(window), window).toBeGreaterThanOrEqual(4_000);
});

test("all rules are printed as one file or as objects, with other values on demand", () => {
  const file = parse(printRules(templates, ["relay.latencyWindow=15s"], "file"));
  expect(file.groups.map(({ name }: { name: string }) => name)).toContain("switchyard-watchdog");
  expect(JSON.stringify(file)).toContain("materi_operation_latency_seconds_bucket[15s]");
  const objects = printRules(templates, [], "prometheusrule").split("---\n");
  expect(objects.map((text) => parse(text).metadata.name)).toEqual(templates.map(({ name }) => `switchyard-${name}`));
});

test("parameters are listed with what they are", () => {
  expect(listParameters(templates)).toMatch(/^relay\.latencyThreshold +0\.05 +p95 of operation latency, seconds/m);
});
