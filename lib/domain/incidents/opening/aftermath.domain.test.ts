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
/** How many incidents are opened now. */
const look = () => openByRules(world.context, ago(86_400));

/** What the incident has measured of the service, ten seconds ago. */
async function measure(incidentId: string, { goodFor, state = "good" }: { goodFor: number; state?: "good" | "bad" }) {
  const [indicator] = indicatorsOf("relay", service, 30);
  if (!indicator) throw new Error("a relay has no indicator");
  const lookedAt = ago(10).toISOString();
  const goodSince = state === "good" ? ago(goodFor).toISOString() : null;
  const known = { state, goodSince, recoveredAt: goodSince, lookedAt, wasBad: true, wasKnown: true };
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
  const { id } = await world.report({ services: [service], severity: "P2", isDrill });
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
  ["goes on for longer than it looks back", "ErrorBudgetBurnFast", 700],
  ["goes on for longer than a slow one looks back", "ErrorBudgetBurn", 2_500],
  ["is on requests, and the incident was no drill", "RelayHighLatency", 60],
])("opens its own when it %s", async (_, name, goodFor) => {
  await measure(await takeAsP2(), { goodFor });
  await burns(name);
  expect(await look()).toBe(1);
});

test("opens its own when nobody has looked for a minute", async () => {
  await measure(await takeAsP2(), { goodFor: 40 });
  world.pass(61);
  await burns();
  expect(await look()).toBe(1);
});

test.each([
  ["RelayHighLatency", 0],
  ["ErrorBudgetBurn", 0],
  ["ServiceDown", 1],
  ["BackupFailed", 1],
])("after a drill: %s opens %i", async (name, opened) => {
  const id = await takeAsP2(true);
  const end = { override: { reason: "tried in a test" } };
  await commandIncident(world.context, { id, command: "resolve", body: end });
  // It harmed too few requests for its indicators to turn.
  await measure(id, { goodFor: 3_000 });
  await burns(name);
  expect(await look()).toBe(opened);
});
