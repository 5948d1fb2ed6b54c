import { expect, test } from "@playwright/test";
import { act, readService } from "../fleet-api.ts";
import {
  commandIncident,
  incidentOf,
  listOpenIncidents,
  part,
  print,
  readIncident,
  rollBackVerified,
  untilRelayIsQuick,
} from "../incident-page.ts";

/** From a bad release to the draft of its postmortem, on the real parts: nothing is injected, nothing is hurried. */

test.setTimeout(600_000);

const reason = "less work for each commit, at three in the morning";
const patience = { timeout: 180_000, intervals: [500] };

test("a slow release is noticed, rolled back, proven good, resolved and written down", async ({ page }) => {
  await expect(async () => {
    expect(await readService(page.request, "relay")).toMatchObject({ health: "healthy", desired: 3, candidate: null });
  }).toPass(patience);
  await untilRelayIsQuick(page.request);
  // A machine that is busy with its first build makes the relay slow, and the demo's rules rightly tell of that.
  for (const { id } of await listOpenIncidents(page.request, "relay")) {
    const early = { override: { reason: "left from the start of the demo" } };
    expect((await commandIncident(page.request, id, "resolve", early)).ok()).toBe(true);
  }
  const { uid, templateHash, version } = await readService(page.request, "relay");
  const image = "switchyard/relay:2.2.0";
  const slow = await act(page.request, "relay", "image", { container: "relay", image, reason, seen: { uid, templateHash } });
  expect(slow.status(), await slow.text()).toBe(202);
  const rolledOut = Date.now();

  await page.goto("/");
  const burning = page.getByRole("status", { name: "What needs attention" });
  await expect.poll(() => listOpenIncidents(page.request, "relay"), patience).toHaveLength(1);
  const [opening] = await listOpenIncidents(page.request, "relay");
  await burning.getByRole("link", { name: new RegExp(`INC-${opening?.number}(?!\\d)`) }).click();
  await expect(part(page, "What fires")).toContainText("RelayHighLatency");
  const id = incidentOf(page);
  const opened = await readIncident(page.request, id);
  print(
    `opened as ${opened.severity} ${((Date.parse(opened.clock.detectedAt) - rolledOut) / 1000).toFixed(1)} s after the rollout began`,
  );
  expect(opened).toMatchObject({ origin: "alert", openedBy: "Switchyard", services: [{ namespace: "fleet", name: "relay" }] });
  expect(opened.timeline.find(({ kind }) => kind === "opened")?.message).toMatch(/First suspect: image \(.*2\.2\.0.*\) by admin/);
  await expect(part(page, "What changed just before").getByRole("listitem").first()).toContainText(`“${reason}”`);

  await page.getByRole("button", { name: "Acknowledge" }).click();
  await expect(page.getByRole("button", { name: "Acknowledge" })).toHaveCount(0);
  await expect(part(page, "Recovery")).toContainText(/above the limit/, patience);

  const { clicks, seconds, sentence } = await rollBackVerified(page);
  print(`${clicks} clicks from the incident to the verified rollback, ${seconds.toFixed(1)} s from the click: ${sentence}`);
  expect(clicks).toBeLessThanOrEqual(3);
  expect(seconds).toBeLessThan(60);
  expect(await readService(page.request, "relay")).toMatchObject({ version });

  await expect(async () => {
    expect((await readIncident(page.request, id)).resolveBlockers).toEqual([]);
  }).toPass(patience);
  await page.getByRole("button", { name: "Resolve", exact: true }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Resolve INC-/ })
    .click();
  await expect(page.getByRole("timer", { name: "Lasted" })).toBeVisible();
  const { clock, figures, overrideReason, recovery } = await readIncident(page.request, id);
  expect(overrideReason).toBeNull();
  // By the data it began before any alert: within the rollout, and not when Alertmanager told of it.
  expect(Date.parse(clock.impactStartedAt)).toBeGreaterThan(rolledOut);
  expect(figures.ttd).toBeGreaterThan(5);
  print(`TTD ${figures.ttd} s, TTA ${figures.tta} s, TTR ${figures.ttr} s`);
  expect(JSON.stringify(recovery)).toContain("recoveredAt");

  await page.getByRole("link", { name: "Postmortem", exact: true }).click();
  await page.getByRole("button", { name: "Draft the postmortem" }).click();
  await expect(page.getByRole("region", { name: "The text" })).toBeVisible();
  const story = await (await page.request.get(`/api/incidents/${id}/postmortem/export?format=html`)).text();
  for (const part of ["RelayHighLatency", reason, "2.2.0", "Rollback of relay verified", "Recovered at"])
    expect(story).toContain(part);
  for (const figure of ["Failed operations", "Affected connections", "Error budget"]) expect(story).toContain(figure);
  expect(story).toContain("<svg");
});
