import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect, test } from "@playwright/test";
import { kubectl, readService } from "../fleet-api.ts";
import { print } from "../incident-page.ts";
import { system } from "../system.ts";

/** Real faults on the local cluster, asked for as a person does, measured by the demo's prober. */

test.describe.configure({ mode: "serial" });
test.setTimeout(900_000);

type Drill = {
  id: string;
  number: number;
  state: string;
  verdict: string | null;
  message: string;
  target: string | null;
  rtoMs: number | null;
  rpoMs: number | null;
  rtoObjectiveMs: number;
  rpoObjectiveMs: number;
  errorMs: number | null;
  lostWrites: number | null;
  faultAt: string | null;
  detectedAt: string | null;
  finishedAt: string | null;
  incidentId: string | null;
};

const change = () => ({ "Idempotency-Key": randomUUID(), Origin: system.url });
const seconds = (ms: number | null) => (ms === null ? "not known" : `${(ms / 1000).toFixed(1)} s`);

async function untilWell(request: APIRequestContext): Promise<void> {
  for (const name of ["relay", "hub", "edge", "connector", "redis", "postgres", "prober", "issuer"]) {
    await expect
      .poll(async () => (await readService(request, name)).health, { timeout: 120_000, intervals: [500], message: name })
      .toBe("healthy");
  }
}

/** Waits until the guard rails permit it, begins it, and resolves to how it ended. */
async function drill(request: APIRequestContext, data: { scenario: string; subject: string; settings?: object }): Promise<Drill> {
  await untilWell(request);
  const body = { data: { ...data, reason: "a drill of the tests" }, headers: change() };
  let begun: Drill | undefined;
  await expect(async () => {
    const answer = await request.post("/api/drills", { ...body, headers: change() });
    expect(answer.status(), await answer.text()).toBe(201);
    begun = await answer.json();
  }).toPass({ timeout: 180_000, intervals: [2_000] });
  const read = async (): Promise<{ drill: Drill; events: { at: string; message: string }[] }> =>
    (await request.get(`/api/drills/${begun?.id}`)).json();
  await expect.poll(async () => (await read()).drill.finishedAt, { timeout: 600_000, intervals: [1_000] }).not.toBeNull();
  const { drill: ended, events } = await read();
  const told = ended.detectedAt && ended.faultAt ? Date.parse(ended.detectedAt) - Date.parse(ended.faultAt) : null;
  print(
    `${data.scenario} (${ended.target}): ${ended.verdict}, RTO ${seconds(ended.rtoMs)} ± ${seconds(ended.errorMs)} of ${seconds(ended.rtoObjectiveMs)}, RPO ${seconds(ended.rpoMs)} with ${ended.lostWrites} lost of ${seconds(ended.rpoObjectiveMs)}, told after ${seconds(told)}. ${ended.message}`,
  );
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
