import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { toJson } from "#lib/database/storable.ts";
import { commandIncident } from "../commands.ts";
import { indicatorsOf } from "../recovery/indicators.ts";
import { beginIndicator } from "../recovery/recovery.ts";
import { storeAlert } from "../test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { defaultAutomation, setAutomation } from "./automation-settings.ts";
import { openByRules } from "./rules.ts";

/** Alerts that look back over minutes or hours, and fire by what is over. */

let world: IncidentWorld;
let service: { namespace: string; name: string };
beforeAll(async () => {
  world = await startIncidentWorld();
  const { criticalAlerts, ...opening } = defaultAutomation.opening;
  const atOnce = { ...opening, criticalAlerts: { ...criticalAlerts, graceSeconds: 0 } };
  await setAutomation(world.as("ada", "admin"), { ...defaultAutomation, opening: atOnce });
});
afterAll(() => world?.drop());
beforeEach(() => {
  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
});

const ago = (seconds: number) => new Date(world.now().getTime() - seconds * 1000);
/** How many incidents have been opened for alerts of the service when the rules have looked again. */
const look = async (of = service) => {
  await openByRules(world.context, ago(86_400));
  return world.db.incident.count({
    where: { origin: "alert", services: { some: { namespace: of.namespace, service: of.name } } },
  });
};

type Measured = { goodFor: number; state?: "good" | "bad"; wasBad?: boolean };

/** What the incident has measured of the service, ten seconds ago. */
async function measure(incidentId: string, { goodFor, state = "good", wasBad = true }: Measured) {
  const [indicator] = indicatorsOf("relay", service, 30);
  if (!indicator) throw new Error("a relay has no indicator");
  const lookedAt = ago(10).toISOString();
  const goodSince = state === "good" ? ago(goodFor).toISOString() : null;
  const known = { state, goodSince, recoveredAt: goodSince, lookedAt, wasBad, wasKnown: true };
  const watched = { ...beginIndicator(indicator, ago(600)), ...known };
  const stored = {
    impactStartedAt: ago(600).toISOString(),
    windowSeconds: 30,
    indicators: [watched],
    named: [],
    soughtFrom: null,
  };
  const place = { incidentId, namespace: service.namespace, service: service.name };
  const data = { state: toJson(stored), lookedAt: new Date(lookedAt) };
  await world.db.incidentRecovery.upsert({
    where: { incidentId_namespace_service: place },
    create: { ...place, ...data },
    update: data,
  });
}
async function takeAsP2(isDrill = false): Promise<string> {
  const { id } = await world.report({ services: [service], severity: "P2", isDrill, isAnother: true });
  await commandIncident(world.context, { id, command: "acknowledge", body: {} });
  return id;
}
const burns = (name = "ErrorBudgetBurnFast") => storeAlert(world.db, { startsAt: ago(5), service, name });

test("on an error budget opens nothing while its incident measures that all is good, and says so there once", async () => {
  const id = await takeAsP2();
  await measure(id, { goodFor: 60 });
  const alert = await burns();
  expect([await look(), await look()]).toEqual([0, 0]);
  const { severity, timeline } = await world.detail(id);
  expect(severity).toBe("P2");
  const told = timeline.filter(({ source }) => source === `aftermath/alert/${alert}`).map(({ message }) => message);
  expect(told).toEqual([expect.stringContaining("ErrorBudgetBurnFast (critical) fires. It counts what is over")]);

  await measure(id, { goodFor: 0, state: "bad" });
  expect(await look()).toBe(1);
  const of = { services: { some: { service: service.name } } };
  const rows = await world.db.incident.findMany({ where: of, orderBy: { number: "asc" } });
  expect(rows.map(({ severity }) => severity)).toEqual(["P2", "P1"]);
});

test.each([
  ["goes on for longer than it looks back", "ErrorBudgetBurnFast", { goodFor: 700 }],
  ["goes on for longer than a slow one looks back", "ErrorBudgetBurn", { goodFor: 2_500 }],
  ["is on requests, and the incident was no drill", "RelayHighLatency", { goodFor: 60 }],
  ["is on a service that the incident has not harmed", "ErrorBudgetBurn", { goodFor: 60, wasBad: false }],
])("opens its own when it %s", async (_, name, measured) => {
  await measure(await takeAsP2(), measured);
  await burns(name);
  expect(await look()).toBe(1);
});

test("opens its own when nobody has looked for a minute, though another incident has", async () => {
  const [first, second] = [await takeAsP2(), await takeAsP2()];
  await measure(first, { goodFor: 40 });
  world.pass(61);
  await measure(second, { goodFor: 90 });
  await burns();
  expect(await look()).toBe(1);
});

test("begins when it is opened after all: what it counted before has been told", async () => {
  const id = await takeAsP2();
  await measure(id, { goodFor: 60 });
  await burns();
  expect(await look()).toBe(0);
  world.pass(20);
  await measure(id, { goodFor: 0, state: "bad" });
  expect(await look()).toBe(1);
  const own = await world.db.incident.findFirstOrThrow({ orderBy: { number: "desc" } });
  expect(own).toMatchObject({
    severity: "P1",
    impactStartSource: "unknown",
    impactStartedAt: world.now(),
    detectedAt: world.now(),
  });
});

test("keeps nobody from what is new, however many there are", async () => {
  const id = await takeAsP2();
  await measure(id, { goodFor: 60 });
  for (let count = 0; count < 110; count += 1) await burns();
  expect(await look()).toBe(0);
  const other = { namespace: "fleet", name: `hub-${randomUUID().slice(0, 8)}` };
  await storeAlert(world.db, { startsAt: ago(6), service: other, name: "ServiceDown" });
  expect(await look(other)).toBe(1);
});

/** A drill that is over, with what is measured since. */
async function drill(measured: Measured): Promise<void> {
  const id = await takeAsP2(true);
  const end = { override: { reason: "tried in a test" } };
  await commandIncident(world.context, { id, command: "resolve", body: end });
  await measure(id, measured);
}

test.each([
  ["RelayHighLatency", 0],
  ["ProbeErrors", 0],
  ["ErrorBudgetBurn", 0],
  ["ServiceDown", 1],
  ["ProbeLost", 1],
  ["EdgeDroppingReadings", 1],
  ["BackupFailed", 1],
])("after a drill that harmed too few requests to be measured: %s opens %i", async (name, opened) => {
  await drill({ goodFor: 3_000, wasBad: false });
  await burns(name);
  expect(await look()).toBe(opened);
});

test("after a drill opens its own when it begins too late, or what it counts turned bad later", async () => {
  await drill({ goodFor: 3_000 });
  world.pass(1_200);
  const [row] = await world.db.incidentRecovery.findMany({ where: { service: service.name } });
  await measure(row?.incidentId ?? "", { goodFor: 3_000 });
  await burns("RelayHighLatency");
  expect(await look()).toBe(1);

  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
  await drill({ goodFor: 3_000 });
  world.pass(300);
  const [other] = await world.db.incidentRecovery.findMany({ where: { service: service.name } });
  await measure(other?.incidentId ?? "", { goodFor: 60 });
  await burns("RelayHighLatency");
  expect(await look()).toBe(1);
});
