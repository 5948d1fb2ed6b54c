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

type Measured = { goodFor: number; state?: "good" | "bad"; wasBad?: boolean; lookedAgo?: number };

/** What the incident has measured of the service. */
async function measure(incidentId: string, { goodFor, state = "good", wasBad = true, lookedAgo = 10 }: Measured) {
  const [indicator] = indicatorsOf("relay", service, 30);
  if (!indicator) throw new Error("a relay has no indicator");
  const lookedAt = ago(lookedAgo).toISOString();
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
/** An incident, or a drill's, that is over, with what is measured since. */
async function resolved(measured: Measured, isDrill = false): Promise<string> {
  const id = await takeAsP2(isDrill);
  const end = { override: { reason: "tried in a test" } };
  await commandIncident(world.context, { id, command: "resolve", body: end });
  await measure(id, measured);
  return id;
}
const burns = (name = "ErrorBudgetBurnFast") => storeAlert(world.db, { startsAt: ago(5), service, name });

test("on an error budget belongs to the incident that people have taken and that measures the harm, whatever its severity", async () => {
  const id = await takeAsP2();
  await measure(id, { goodFor: 0, state: "bad" });
  const alert = await burns();
  expect(await look()).toBe(0);
  const { severity, links, timeline } = await world.detail(id);
  expect([severity, links.map(({ targetId }) => targetId)]).toEqual(["P2", [alert]]);
  expect(timeline.find(({ source }) => source === `joined/alert/${alert}`)?.message).toContain(
    "It belongs to this incident. By itself it would be a P1: raise this one if it is that bad.",
  );
});

test.each([
  ["has not measured any harm", { goodFor: 60, wasBad: false }],
  ["was not looked at for a minute", { goodFor: 60, lookedAgo: 61 }],
])("opens its own beside one that %s", async (_, measured) => {
  await measure(await takeAsP2(), measured);
  await burns();
  expect(await look()).toBe(1);
});

test("on an error budget opens nothing after an incident while all is measured to be good, and says so there once", async () => {
  const id = await resolved({ goodFor: 60 });
  const alert = await burns();
  expect([await look(), await look()]).toEqual([0, 0]);
  const { timeline } = await world.detail(id);
  const told = timeline.filter(({ source }) => source === `aftermath/alert/${alert}`).map(({ message }) => message);
  expect(told).toEqual([expect.stringContaining("ErrorBudgetBurnFast (critical) fires. It counts what is over")]);
});

test.each([
  ["goes on for longer than it looks back", "ErrorBudgetBurnFast", { goodFor: 700 }],
  ["goes on for longer than a slow one looks back", "ErrorBudgetBurn", { goodFor: 2_500 }],
  ["is on requests, and the incident was no drill", "RelayHighLatency", { goodFor: 60 }],
  ["is on a service that the incident has not harmed", "ErrorBudgetBurn", { goodFor: 60, wasBad: false }],
  ["fires where nobody has looked for a minute", "ErrorBudgetBurn", { goodFor: 60, lookedAgo: 61 }],
])("opens its own after an incident when it %s", async (_, name, measured) => {
  await resolved(measured);
  await burns(name);
  expect(await look()).toBe(1);
});

test("opens its own after an incident while another one that is open is not measured", async () => {
  await resolved({ goodFor: 60 });
  await measure(await takeAsP2(), { goodFor: 60, lookedAgo: 61 });
  await burns();
  expect(await look()).toBe(1);
});

test("begins when it is opened after all: what it counted before has been told", async () => {
  const id = await resolved({ goodFor: 60 });
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
  await resolved({ goodFor: 60 });
  for (let count = 0; count < 110; count += 1) await burns();
  expect(await look()).toBe(0);
  const other = { namespace: "fleet", name: `hub-${randomUUID().slice(0, 8)}` };
  await storeAlert(world.db, { startsAt: ago(6), service: other, name: "ServiceDown" });
  expect(await look(other)).toBe(1);
});

test.each([
  ["RelayHighLatency", 0],
  ["ProbeErrors", 0],
  ["ErrorBudgetBurn", 0],
  ["ServiceDown", 1],
  ["ProbeLost", 1],
  ["EdgeDroppingReadings", 1],
  ["BackupFailed", 1],
])("after a drill that harmed too few requests to be measured: %s opens %i", async (name, opened) => {
  await resolved({ goodFor: 3_000, wasBad: false }, true);
  await burns(name);
  expect(await look()).toBe(opened);
});

test("after a drill opens its own when it begins too late, or what it counts turned bad later", async () => {
  const late = await resolved({ goodFor: 3_000 }, true);
  world.pass(1_200);
  await measure(late, { goodFor: 3_000 });
  await burns("RelayHighLatency");
  expect(await look()).toBe(1);

  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
  const anew = await resolved({ goodFor: 3_000 }, true);
  world.pass(300);
  await measure(anew, { goodFor: 60 });
  await burns("RelayHighLatency");
  expect(await look()).toBe(1);
});
