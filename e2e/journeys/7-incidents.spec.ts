import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import type { Automation } from "#lib/domain/incidents/opening/automation-settings.ts";
import { act, kubectl, readService } from "../fleet-api.ts";
import {
  incidentOf,
  listOpenIncidents,
  part,
  print,
  readIncident,
  resolveAll,
  rollBackVerified,
  untilRelayIsQuick,
} from "../incident-page.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial", timeout: 480_000 });

/** Of a monitor outside: only this test tells Alertmanager of it, so that no window of a rule has to be waited for. */
const alert = {
  alertname: "CheckoutSlow",
  severity: "critical",
  namespace: "fleet",
  service: "relay",
  // Another alert in each run: one that still fires belongs to the incident of the run before.
  monitor: crypto.randomUUID(),
};
const summary = "Documents take long to open, as a monitor outside sees it";
const reason = "less work for each commit, incidents journey";
const patience = { timeout: 60_000, intervals: [250] };

let rulesBefore: Automation;
let imageBefore: string;

test.beforeAll(async ({ browser }) => {
  const admin = await browser.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  rulesBefore = await readRules(admin.request);
  await setRules(admin.request, onlyCritical(rulesBefore));
  imageBefore = (await readService(admin.request, "relay")).image;
  rollOutAllAtOnce();
  // What journeys before this one have left open.
  for (const service of ["edge", "relay"]) await resolveAll(admin.request, service);
  await admin.close();
});

test.afterAll(async ({ browser }) => {
  // Also where a step before the rollback failed.
  kubectl("-n", "fleet", "set", "image", "deployment/relay", `relay=${imageBefore}`);
  rollOutAsBefore();
  const admin = await browser.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  await setRules(admin.request, rulesBefore);
  await admin.close();
});

test("what somebody notices is reported by keyboard in under 15 seconds", async ({ page }) => {
  await page.goto("/fleet/fleet/edge");
  await expect(page.getByRole("heading", { name: "edge", level: 1 })).toBeVisible();
  const title = page.getByRole("dialog").getByLabel("What is wrong");
  // The console is open all day: what counts is the person, not the first load of a page.
  await page.keyboard.press("c");
  await expect(title).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(title).toHaveCount(0);
  const begun = Date.now();
  await page.keyboard.press("c");
  await expect(title).toBeFocused();
  // As fast as somebody types who was just woken.
  await page.keyboard.type("Sensors stopped sending", { delay: 150 });
  await page.keyboard.press("Tab");
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Sensors stopped sending" })).toBeVisible();
  const seconds = (Date.now() - begun) / 1000;
  print(`reported by keyboard in ${seconds.toFixed(1)} s`);
  expect(seconds).toBeLessThan(15);
  expect(await readIncident(page.request, incidentOf(page))).toMatchObject({
    severity: "P2",
    origin: "person",
    openedBy: "admin",
    services: [{ namespace: "fleet", name: "edge" }],
    // Nobody said since when: that is not known, and no time of 0.
    figures: { ttd: null },
  });
});

test("a second report on the same service is shown the open one first", async ({ page }) => {
  const [open] = await listOpenIncidents(page.request, "edge");
  const refused = await report(page.request, { isAnother: false });
  expect(refused.status()).toBe(409);
  expect(await refused.text()).toContain(`INC-${open?.number} (P2) Sensors stopped sending`);
  await resolveAll(page.request, "edge");
});

test("from the alert to the draft of the postmortem, with a rollback that the data verify", async ({ page }) => {
  await expect(async () => {
    expect(await readService(page.request, "relay")).toMatchObject({ health: "healthy", candidate: null });
  }).toPass(patience);
  await untilRelayIsQuick(page.request);
  const { uid, templateHash, version } = await readService(page.request, "relay");
  await page.goto("/");
  const slow = await act(page.request, "relay", "image", {
    container: "relay",
    image: "switchyard/relay:2.2.0",
    reason,
    seen: { uid, templateHash },
  });
  expect(slow.status(), await slow.text()).toBe(202);
  const firing = await tellAlertmanager(page.request, { startsAt: new Date() });

  // Nobody reloads: what burns comes to the page that is open.
  await page
    .getByRole("status", { name: "What needs attention" })
    .getByRole("link", { name: new RegExp(summary) })
    .click(patience);
  await expect(page.getByRole("heading", { name: summary })).toBeVisible();
  const id = incidentOf(page);
  await expect(part(page, "What fires")).toContainText(alert.alertname);
  await expect(part(page, "What changed just before").getByRole("listitem").first()).toContainText(`“${reason}”`);
  const opened = await readIncident(page.request, id);
  expect(opened).toMatchObject({ severity: "P1", origin: "alert", openedBy: "Switchyard" });
  expect(opened.timeline.find(({ kind }) => kind === "opened")?.message).toMatch(/First suspect: image \(.*2\.2\.0.*\) by admin/);

  await page.keyboard.press("a");
  await expect(page.getByRole("button", { name: "Acknowledge" })).toHaveCount(0);
  await expect(part(page, "Recovery")).toContainText(/above the limit/, patience);
  const before = await readIncident(page.request, id);
  expect(before.clock.acknowledgedAt).not.toBeNull();
  expect(before.resolveBlockers.map(({ id: why }) => why)).toEqual(expect.arrayContaining(["alert-fires", "indicator-bad"]));

  const { clicks, seconds, sentence } = await rollBackVerified(page, async () => {
    await tellAlertmanager(page.request, { startsAt: firing, endsAt: new Date() });
  });
  print(`${clicks} clicks from the incident to the verified rollback, ${seconds.toFixed(1)} s from the click: ${sentence}`);
  expect(clicks).toBeLessThanOrEqual(3);
  expect(await readService(page.request, "relay")).toMatchObject({ version });

  await untilGateOpens(page, id);
  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("It does not look resolved")).toHaveCount(0);
  await dialog.getByRole("button", { name: /^Resolve INC-/ }).click();
  await expect(page.getByRole("timer", { name: "Lasted" })).toBeVisible();
  const resolved = await readIncident(page.request, id);
  expect(resolved.overrideReason).toBeNull();
  expect(resolved.needsPostmortem).toBe(true);
  const { clock } = resolved;
  const times = [clock.impactStartedAt, clock.detectedAt, clock.acknowledgedAt, clock.resolvedAt].map((at) => at ?? "");
  expect(times.toSorted()).toEqual(times);

  await page.getByRole("link", { name: "Postmortem", exact: true }).click();
  await page.getByRole("button", { name: "Draft the postmortem" }).click();
  await expectStory(page, id);
});

/** The draft, as it is printed, tells of the alert, the rollout, the rollback, when it was over, and what it cost. */
async function expectStory(page: Page, id: string): Promise<void> {
  await expect(page.getByRole("region", { name: "The text" })).toBeVisible();
  const story = await (await page.request.get(`/api/incidents/${id}/postmortem/export?format=html`)).text();
  expect(story).toContain(alert.alertname);
  expect(story).toContain(reason);
  expect(story).toMatch(/2\.2\.0/);
  expect(story).toMatch(/Rollback of relay verified/);
  expect(story).toMatch(/Recovered at/);
  for (const figure of ["Failed operations", "Affected connections", "Error budget"]) expect(story).toContain(figure);
  expect(story).toContain("<svg");
}

const rules = "/api/incidents/settings/automation";

async function readRules(request: APIRequestContext): Promise<Automation> {
  return (await request.get(rules)).json();
}

async function setRules(request: APIRequestContext, data: Automation): Promise<void> {
  const answer = await request.put(rules, { data, headers: { Origin: system.url } });
  expect(answer.ok(), await answer.text()).toBe(true);
}

/** Critical alerts open incidents at once, and the demo's own alert of the relay opens none. */
function onlyCritical({ opening, ...others }: Automation): Automation {
  const { criticalAlerts, namedAlerts } = opening;
  return {
    ...others,
    opening: {
      ...opening,
      criticalAlerts: { ...criticalAlerts, graceSeconds: 0 },
      namedAlerts: { ...namedAlerts, isOn: false },
    },
  };
}

async function untilGateOpens(page: Page, id: string): Promise<void> {
  await expect(async () => {
    expect((await readIncident(page.request, id)).resolveBlockers).toEqual([]);
  }).toPass(patience);
}

/** What a monitor would send to Alertmanager, whose webhook brings it here. Resolves to when it began. */
async function tellAlertmanager(
  request: APIRequestContext,
  { startsAt, endsAt }: { startsAt: Date; endsAt?: Date },
): Promise<Date> {
  const address = kubectl("-n", "monitoring", "get", "svc", "alertmanager", "-o", "jsonpath={.spec.clusterIP}");
  const data = [{ labels: alert, annotations: { summary }, startsAt, ...(endsAt && { endsAt }) }];
  const answer = await request.post(`http://${address}:9093/api/v2/alerts`, { data });
  expect(answer.ok(), await answer.text()).toBe(true);
  return startsAt;
}

function report(request: APIRequestContext, { isAnother }: { isAnother: boolean }) {
  return request.post("/api/incidents", {
    data: { title: "Edges are silent", severity: "P3", services: [{ namespace: "fleet", name: "edge" }], isAnother },
    headers: { "Idempotency-Key": crypto.randomUUID(), Origin: system.url },
  });
}

/** All instances at once: what is measured is the rollback and its proof, not how long three instances take one after the other. */
function rollOutAllAtOnce(): void {
  patchRelay({ minReadySeconds: 0, strategy: { rollingUpdate: { maxSurge: "100%", maxUnavailable: 0 } } });
}

function rollOutAsBefore(): void {
  patchRelay({ minReadySeconds: 3, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
}

function patchRelay(spec: object): void {
  kubectl("-n", "fleet", "patch", "deployment/relay", "-p", JSON.stringify({ spec }));
}
