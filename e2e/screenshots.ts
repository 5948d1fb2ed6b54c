import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Browser, chromium, expect, type Locator, type Page } from "@playwright/test";
import { logIn } from "./log-in.ts";

/**
 * Takes a picture of every page of a running Switchyard, light and dark, 1440 and 390 pixels wide:
 *
 *   npm run screenshots -- --password PASSWORD [--url http://localhost:3000] [--out docs/screenshots] [--only fleet,login]
 */

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: "http://localhost:3000" },
    username: { type: "string", default: "admin" },
    password: { type: "string" },
    out: { type: "string", default: "test-results/screenshots" },
    only: { type: "string" },
  },
});

const service = "/fleet/fleet/relay";
const pages: Record<string, (page: Page) => Promise<void>> = {
  overview: (page) => open(page, "/"),
  fleet: (page) => open(page, "/fleet"),
  health: (page) => open(page, `${service}?tab=health&range=15m`),
  compare: async (page) => {
    await open(page, `${service}?range=15m&compare=day`);
    await page.getByRole("slider").first().hover();
  },
  mark: async (page) => {
    await open(page, `${service}?range=1h`);
    await page
      .getByRole("button", { name: /^Operation latency: .* by / })
      .last()
      .click();
  },
  expression: async (page) => {
    await open(page, `${service}?range=15m`);
    await page
      .getByRole("button", { name: /asks Prometheus$/ })
      .first()
      .click();
  },
  editor: async (page) => {
    await open(page, `${service}?range=15m`);
    await page.getByRole("button", { name: "Change Operation latency" }).click();
    await page.getByRole("menuitem", { name: "Edit" }).click();
    await page
      .getByRole("dialog")
      .getByText(/ series now/)
      .first()
      .waitFor();
  },
  instances: (page) => open(page, `${service}?tab=instances`),
  revisions: (page) => open(page, `${service}?tab=revisions`),
  logs: (page) => open(page, `${service}?tab=logs`),
  events: (page) => open(page, `${service}?tab=events`),
  configuration: (page) => open(page, `${service}?tab=configuration`),
  scale: async (page) => {
    await open(page, service);
    await page
      .getByRole("button", { name: /^Scale/ })
      .first()
      .click();
    await page.getByRole("dialog").waitFor();
  },
  stateful: (page) => open(page, "/fleet/fleet/redis?tab=revisions"),
  rollouts: (page) => open(page, "/rollouts"),
  "rollouts-filtered": (page) => open(page, "/rollouts?state=complete&strategy=canary"),
  "roll-out": (page) => fillStart(page, "relay"),
  "roll-out-preflight": async (page) => {
    await fillStart(page, "relay");
    await lead(page.getByRole("region", { name: "Preflight" }));
  },
  "roll-out-checklist": async (page) => {
    await fillStart(page, "relay");
    await lead(page.getByRole("region", { name: "Checklist" }));
  },
  "roll-out-hub": (page) => fillStart(page, "hub"),
  "roll-out-connector": (page) => fillStart(page, "connector"),
  "roll-out-edge": (page) => fillStart(page, "edge"),
  "roll-out-rolling": async (page) => {
    await fillStart(page, "relay");
    await page.getByRole("radio", { name: /^Rolling/ }).check();
    await page.getByRole("checkbox", { name: "Measure while it rolls" }).check();
  },
  "roll-out-template": async (page) => {
    await open(page, `${service}/rollout`);
    await page.getByRole("tab", { name: "Whole template" }).click();
  },
  replay: async (page) => {
    await fillStart(page, "relay");
    await page.getByRole("button", { name: "Try on past releases" }).first().click();
    await page.getByRole("dialog").getByRole("list", { name: "Releases" }).waitFor();
  },
  autoscaler: async (page) => {
    const scaled = await findAutoscaled(page);
    if (!scaled) return print("autoscaler: no service has one");
    await open(page, `/fleet/${scaled}`);
    await page.getByRole("button", { name: "Autoscaler" }).click();
    const most = page.getByRole("dialog").getByLabel("At most");
    // While a change for a while holds there is nothing to fill in.
    if (await most.isVisible()) await most.fill(String(Number(await most.inputValue()) + 2));
  },
  "freeze-windows": (page) => open(page, "/settings?section=freeze-windows"),
  freeze: async (page) => {
    await open(page, "/settings?section=freeze-windows");
    await page.getByRole("button", { name: "Freeze rollouts" }).click();
    await page.getByRole("dialog").waitFor();
  },
  rollout: (page) => openNewestRollout(page),
  "rollout-canary": (page) => openNewestRollout(page, "strategy=canary"),
  "rollout-blue-green": (page) => openNewestRollout(page, "strategy=blue-green"),
  "rollout-rolling": (page) => openNewestRollout(page, "strategy=rolling"),
  "rollout-aborted": (page) => openNewestRollout(page, "state=aborted"),
  alerts: (page) => open(page, "/alerts"),
  alert: (page) => openNewestAlert(page),
  acknowledge: async (page) => {
    await openNewestAlert(page);
    await page.keyboard.press("a");
    await page.waitForTimeout(500);
  },
  silence: async (page) => {
    await openNewestAlert(page);
    await page.getByRole("button", { name: "Silence", exact: true }).click();
    await page.getByRole("dialog").waitFor();
  },
  "alert-history": (page) => open(page, "/alerts/history"),
  silences: (page) => open(page, "/alerts/silences"),
  rules: (page) => open(page, "/alerts/rules"),
  runbook: (page) => open(page, "/runbooks/relay"),
  "service-alerts": (page) => open(page, `${service}?tab=alerts`),
  incidents: (page) => open(page, "/incidents?state=all"),
  report: async (page) => {
    await open(page, service);
    await page.keyboard.press("c");
    await page.getByRole("dialog").getByLabel("What is wrong").fill("Documents open slowly for everybody");
    await page.keyboard.press("Tab");
    await page.keyboard.press("2");
  },
  incident: (page) => openIncident(page),
  "incident-lower": async (page) => {
    await openIncident(page);
    await lead(page.getByRole("heading", { name: "Timeline" }));
  },
  "incident-runbook": async (page) => {
    await openIncident(page);
    await lead(page.getByRole("heading", { name: /^Runbook/ }).first());
  },
  "incident-edit": async (page) => {
    await openIncident(page);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
  },
  "incident-resolve": async (page) => {
    await openIncident(page);
    await page.getByRole("button", { name: "Resolve", exact: true }).click();
  },
  "incident-trends": (page) => open(page, "/incidents/trends"),
  reliability: (page) => open(page, `${service}?tab=reliability`),
  postmortem: (page) => openPostmortem(page),
  "postmortem-facts": async (page) => {
    await openPostmortem(page);
    await lead(page.getByRole("region", { name: "Timeline" }));
  },
  "postmortem-end": async (page) => {
    await openPostmortem(page);
    await lead(page.getByRole("heading", { name: "Action items" }));
  },
  postmortems: (page) => open(page, "/postmortems"),
  "action-items": (page) => open(page, "/action-items"),
  runbooks: (page) => open(page, "/runbooks"),
  "runbook-alert": (page) => open(page, "/runbooks/alert/relay/RelayHighLatency"),
  "runbook-service": (page) => open(page, "/runbooks/service/fleet/edge"),
  recovery: (page) => open(page, "/recovery"),
  "service-recovery": (page) => open(page, `${service}?tab=recovery`),
  backups: (page) => open(page, "/recovery/backups"),
  backup: (page) => openNewest(page, "backups"),
  "backup-files": async (page) => {
    await openNewest(page, "backups");
    await lead(page.getByRole("heading", { name: "Files" }));
  },
  "back-up": async (page) => {
    await open(page, `${service}?tab=recovery`);
    await page.getByRole("button", { name: "Back up now" }).click();
    await page.getByRole("list", { name: "Contents" }).waitFor();
  },
  "backup-plan": (page) => open(page, "/recovery/plans/fleet/relay"),
  "restore-dialog": async (page) => {
    await openNewest(page, "backups", "state=completed&subject=fleet/relay");
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await page.getByRole("radio", { name: /^In place/ }).check();
    await page.getByRole("region", { name: "Dry run" }).waitFor();
  },
  restores: (page) => open(page, "/recovery/restores"),
  restore: (page) => openNewest(page, "restores"),
  drills: (page) => open(page, "/recovery/drills"),
  drill: (page) => openNewest(page, "drills"),
  "drill-dialog": async (page) => {
    await open(page, `${service}?tab=recovery`);
    await page.getByRole("button", { name: "Start a drill" }).first().click();
    await page.getByRole("region", { name: "Guard rails" }).waitFor();
  },
  audit: (page) => open(page, "/audit"),
  outside: async (page) => {
    const { services } = await (await page.request.get("/api/outside")).json();
    await open(page, `/fleet/${services[0]?.id ?? "outside/none"}`);
  },
  objective: async (page) => {
    await open(page, "/");
    await page.getByRole("table", { name: "Objectives" }).getByRole("row").nth(1).click();
    await page.getByRole("dialog").waitFor();
  },
  settings: (page) => open(page, "/settings"),
  "settings-alert-sources": (page) => open(page, "/settings?section=alert-sources"),
  "settings-notifications": (page) => open(page, "/settings?section=notifications"),
  "settings-incidents": (page) => open(page, "/settings?section=incidents"),
  messages: (page) => open(page, "/settings/notifications"),
};
const wanted = options.only?.split(",");
const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

mkdirSync(options.out, { recursive: true });
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium", args });
for (const colorScheme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(sizes))
    await takeAll(browser, `${size}-${colorScheme}`, { colorScheme, viewport });
}
await browser.close();

async function takeAll(from: Browser, suffix: string, look: Parameters<Browser["newContext"]>[0]): Promise<void> {
  const context = await from.newContext({ ...look, baseURL: options.url });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && print(`${suffix}: console error: ${message.text()}`));
  page.on("pageerror", (error) => print(`${suffix}: page error: ${error.message}`));
  if (!wanted || wanted.includes("login")) {
    await open(page, "/login");
    await picture(page, `login-${suffix}`);
  }
  await logIn(page, { username: options.username, password: options.password ?? "" });
  for (const [name, visit] of Object.entries(pages)) {
    if (wanted && !wanted.includes(name)) continue;
    await visit(page);
    await settle(page);
    await picture(page, `${name}-${suffix}`);
  }
  await context.close();
}

/** Waits until nothing is drawn as still to come; a page that waits for ever is a picture, too. */
async function settle(page: Page): Promise<void> {
  await page.waitForTimeout(1_000);
  await expect(page.locator('[class*="breathe_"]:visible'))
    .toHaveCount(0, { timeout: 20_000 })
    .catch(() => print(`${page.url()} is still loading`));
  await page.waitForTimeout(500);
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(path, { waitUntil: "domcontentloaded" });
  await page.waitForLoadState("load");
}

/** The most urgent alert that fires and has a suspect, else one that fires, else the newest that fired within a day. */
async function openNewestAlert(page: Page): Promise<void> {
  const live = await (await page.request.get("/api/alerts")).json();
  const history = await (await page.request.get("/api/alerts/history?limit=1")).json();
  const suspected = live.items?.find((alert: { suspect: unknown }) => alert.suspect);
  await open(page, `/alerts/${suspected?.id ?? live.items?.[0]?.id ?? history.items?.[0]?.id ?? "none"}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

/** The worst open incident, else the newest. */
async function openIncident(page: Page): Promise<void> {
  const newest = async (state: string) => (await (await page.request.get(`/api/incidents?limit=1${state}`)).json()).items?.[0];
  const incident = (await newest("&state=open")) ?? (await newest(""));
  await open(page, `/incidents/${incident?.id ?? "none"}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

/** One that is being written, else the first that there is. */
async function openPostmortem(page: Page): Promise<void> {
  const { items } = await (await page.request.get("/api/postmortems?state=all")).json();
  const written = items.find(({ state }: { state: string }) => state === "draft" || state === "review") ?? items[0];
  await open(page, `/incidents/${written?.incident.id ?? "none"}/postmortem`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  // What comes late would push away what is scrolled to.
  await settle(page);
}

/** The newest backup, restore or drill; where there is none, what is said of that. */
async function openNewest(page: Page, what: "backups" | "restores" | "drills", filter = ""): Promise<void> {
  const { items } = await (await page.request.get(`/api/${what}?limit=1&${filter}`)).json();
  await open(page, `/recovery/${what}/${items?.[0]?.id ?? "none"}`);
}

async function openNewestRollout(page: Page, filter = ""): Promise<void> {
  const { items } = await (await page.request.get(`/api/rollouts?limit=1&${filter}`)).json();
  await open(page, `/rollouts/${items[0]?.id ?? "none"}`);
}

/** The form that starts a rollout, with the demo's other good version, once preflight is there. */
async function fillStart(page: Page, name: string): Promise<void> {
  await open(page, `/fleet/fleet/${name}/rollout`);
  await page.getByRole("tab", { name: "Image" }).click();
  const { containers } = await (await page.request.get(`/api/services/fleet/${name}/rollouts/options`)).json();
  const [, repository, major, minor] = /^(.+):(\d+)\.(\d+)\.\d+$/.exec(containers[0].image) ?? [];
  await page.getByLabel("Image").fill(`${repository}:${major}.${minor === "0" ? 1 : 0}.0`);
  await page.getByRole("region", { name: "Checklist" }).waitFor();
}

async function findAutoscaled(page: Page): Promise<string | null> {
  const { services } = await (await page.request.get("/api/services")).json();
  for (const { id } of services) {
    const { autoscaler } = await (await page.request.get(`/api/services/${id}/autoscaling`)).json();
    if (autoscaler) return id;
  }
  return null;
}

/** Scrolls until what is looked for is the first thing on the page. */
async function lead(to: Locator): Promise<void> {
  await to.evaluate((element) => element.scrollIntoView({ block: "start" }));
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(options.out, `${name}.png`) });
  print(join(options.out, `${name}.png`));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
