import { type APIRequestContext, expect, test } from "@playwright/test";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { backUp } from "../backup-api.ts";
import { carryOutDrill, type DrillOrder } from "../drill-api.ts";
import { describeDrill } from "../drill-words.ts";
import { kubectl, readService } from "../fleet-api.ts";
import { print, resolveAll } from "../incident-page.ts";

/** Real faults on the local cluster, asked for as a person does, measured by the demo's prober. */

test.describe.configure({ mode: "serial" });
test.setTimeout(900_000);

/** Carries one out, and prints what it measured; and what happened, where the objective was not met. */
async function drill(request: APIRequestContext, order: Omit<DrillOrder, "reason">): Promise<DrillView> {
  const [, service = ""] = order.subject.split("/");
  const { drill: ended, events } = await carryOutDrill(request, { ...order, reason: "a drill of the tests" }, async () => {
    if (service) await resolveAll(request, service);
  });
  print(describeDrill(ended));
  if (ended.verdict !== "met") for (const { at, message } of events) print(`  ${at} ${message}`);
  return ended;
}

test("an instance that is killed is away for less than 30 s and loses nothing", async ({ page }) => {
  const ended = await drill(page.request, { scenario: "instance", subject: "fleet/relay" });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, rpoMs: 0 });
  expect(ended.rtoMs).toBeLessThan(30_000);
  const incident = await (await page.request.get(`/api/incidents/${ended.incidentId}`)).json();
  expect(incident).toMatchObject({ isDrill: true, origin: "drill", step: "document" });
  const report = await page.request.get(`/api/drills/${ended.id}/report.md`);
  expect(await report.text()).toContain(`# DR-${ended.number}: Instance failure of fleet/relay`);
});

test("a node without data that loses its power is away for less than two minutes and loses nothing", async ({ page }) => {
  const ended = await drill(page.request, { scenario: "node", subject: "fleet/relay" });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, rpoMs: 0 });
  expect(ended.rtoMs).toBeLessThan(120_000);
  expect(kubectl("get", "node", ended.target ?? "", "--no-headers")).toMatch(/\sReady\s/);
});

test("a Redis that is killed is away for less than five minutes, and less than ten seconds are lost", async ({ page }) => {
  const ended = await drill(page.request, { scenario: "redis", subject: "fleet/relay" });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", target: "redis-0" });
  expect(ended.rtoMs).toBeLessThan(300_000);
  expect(ended.rpoMs).toBeLessThan(10_000);
});

test("a hub that is away for a while loses no acknowledged message", async ({ page }) => {
  const ended = await drill(page.request, { scenario: "hub", subject: "fleet/hub", settings: { awaySeconds: 20 } });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0 });
  expect(ended.rtoMs).toBeGreaterThan(15_000);
  expect(await readService(page.request, "hub")).toMatchObject({ desired: 1, health: "healthy" });
});

test("a bad release is rolled back once an alert arrives, and loses nothing", async ({ page: { request } }) => {
  const settings = { image: "switchyard/relay:2.2.0" };
  const ended = await drill(request, { scenario: "bad-release", subject: "fleet/relay", settings });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, detectedAt: expect.any(String) });
  expect(ended.rtoMs).toBeLessThan(120_000);
  expect(
    kubectl("-n", "fleet", "get", "deployment", "relay", "-o", "jsonpath={.spec.template.spec.containers[0].image}"),
  ).not.toBe(settings.image);
});

test("a database that is dropped is back from its backup, and what was written after it is counted", async ({
  page: { request },
}) => {
  await backUp(request, { subject: "fleet/relay", reason: "before its database is lost" });
  const ended = await drill(request, { scenario: "database", subject: "fleet/relay", override: "the demo's own data" });
  expect(ended).toMatchObject({ state: "completed", verdict: "met", lostWrites: expect.any(Number) });
  expect(ended.rtoMs).toBeLessThan(3_600_000);
  expect(ended.rpoMs).toBeGreaterThan(0);
});

test("a region is rehearsed: the relay and all that it depends on are built from backups in another namespace", async ({
  page: { request },
}) => {
  for (const subject of ["fleet/relay", "fleet/postgres", "fleet/redis", "fleet/issuer"]) {
    await backUp(request, { subject, reason: "before its region is lost" });
  }
  const settings = { intoNamespace: "elsewhere" };
  const ended = await drill(request, { scenario: "region", subject: "fleet/relay", settings });
  expect(ended).toMatchObject({ state: "completed", verdict: "met" });
  expect(kubectl("get", "namespaces", "-o", "name").split("\n")).not.toContain("namespace/elsewhere");
});

test("the control plane is rehearsed: Switchyard's own database is restored elsewhere from its newest backup", async ({
  page: { request },
}) => {
  await backUp(request, { subject: "switchyard", reason: "before it is lost" });
  const ended = await drill(request, { scenario: "control-plane", subject: "switchyard" });
  expect(ended).toMatchObject({ state: "completed", verdict: "met" });
  expect(ended.rpoMs).toBeLessThan(ended.rpoObjectiveMs);
});
