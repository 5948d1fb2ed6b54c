import { afterAll, beforeAll, expect, test } from "vitest";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { createItem } from "../action-items/commands.ts";
import { commandIncident } from "../commands.ts";
import { storeAlert } from "../test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { getIncidentTrends, getServiceReliability } from "./queries.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

const of = (name: string): ServiceRef => ({ namespace: "fleet", name });
const ago = (seconds: number) => new Date(world.now().getTime() - seconds * 1000);
const resolve = (id: string) =>
  commandIncident(world.context, { id, command: "resolve", body: { override: { reason: "only a test" } } });

test("trends are asked for by days, and have the incidents of the services as they are stored", async () => {
  await world.report({ services: [of("relay")], severity: "P1", impactStartedAt: ago(600).toISOString() });
  await world.report({ services: [of("hub")], severity: "P3", isDrill: true });
  world.pass(60);
  const trends = await getIncidentTrends(world.as("vera", "viewer"), { days: "7" });
  expect(Date.parse(trends.to) - Date.parse(trends.from)).toBe(7 * 86_400_000);
  expect(trends).toMatchObject({
    drillsLeftOut: 1,
    all: { incidents: 1, figures: { ttd: { n: 1, median: 600 }, ttr: { n: 0, missing: 0, pending: 1 } } },
    byService: [{ namespace: "fleet", service: "relay", downtimeSeconds: 660, failures: 1 }],
    calendar: { starts: [{ severity: "P1", at: ago(660).toISOString() }], knownFrom: null },
  });
  await expect(getIncidentTrends(world.context, { days: 0 })).rejects.toMatchObject({ code: "invalid-input" });
});

test("a service's reliability has its own incidents, its worst alerts, and what is left to do", async () => {
  const edge = of("edge");
  const startsAt = ago(7200);
  await storeAlert(world.db, { name: "EdgeDown", startsAt, endsAt: ago(3600), service: edge });
  for (const offset of [60, 120]) {
    const began = new Date(startsAt.getTime() + offset * 1000);
    await storeAlert(world.db, { name: "EdgeSlow", startsAt: began, endsAt: new Date(began.getTime() + 30_000), service: edge });
  }
  await storeAlert(world.db, { name: "HubSlow", startsAt, endsAt: ago(3600), service: of("hub") });
  const old = await world.report({ services: [edge], severity: "P1", impactStartedAt: ago(20 * 86_400).toISOString() });
  await commandIncident(world.context, { id: old.id, command: "mitigate", body: { at: world.now().toISOString() } });
  await resolve(old.id);
  const { id } = await world.report({ services: [edge, of("hub")], severity: "P2", impactStartedAt: startsAt.toISOString() });
  const item = { title: "Alert on the queue", type: "detect", owner: "olga", dueOn: "2026-12-24" } as const;
  await createItem(world.context, { incidentId: old.id, ...item });

  const answer = await getServiceReliability(world.as("vera", "viewer"), edge, { days: "7" });
  expect(answer.trend).toMatchObject({
    incidents: 1,
    failures: 1,
    observedFrom: answer.from,
    downtimeSeconds: 7 * 86_400,
    mtbf: 0,
  });
  expect(answer.incidents.map((one) => one.id)).toEqual([id]);
  expect(answer.calendar.starts.map((one) => one.id)).toEqual([id]);
  expect(answer.worstAlerts.map(({ name, episodes }) => [name, episodes])).toEqual([
    ["EdgeSlow", 2],
    ["EdgeDown", 1],
  ]);
  expect(answer.openItems).toMatchObject([{ title: "Alert on the queue", incident: { id: old.id } }]);

  const quiet = await getServiceReliability(world.context, of("unheard-of"), {});
  expect(quiet).toMatchObject({
    trend: { incidents: 0, failures: 0, mtbf: null, downtimeSeconds: 0 },
    incidents: [],
    openItems: [],
  });
  await expect(getServiceReliability(world.context, { namespace: "Not a name", name: "x" }, {})).rejects.toMatchObject({
    code: "invalid-input",
  });
});
