import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { putLink } from "./links.ts";
import { listRelatedIncidents } from "./related.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";

let world: IncidentWorld;
let sourceId: string;
beforeAll(async () => {
  world = await startIncidentWorld();
  const source = { name: "embedded", secretHash: "x", secretPrefix: "x", createdAt: world.now(), createdByName: "olga" };
  ({ id: sourceId } = await world.db.alertSource.create({ data: source }));
});
afterAll(() => world?.drop());

async function alert(name: string) {
  const at = world.now();
  const { id } = await world.db.alertEpisode.create({
    data: {
      sourceId,
      fingerprint: randomUUID(),
      name,
      severity: "critical",
      labels: {},
      annotations: {},
      state: "firing",
      startsAt: at,
      firstReceivedAt: at,
      lastReceivedAt: at,
    },
  });
  return { kind: "alert" as const, targetId: id };
}

type Made = { title: string; services?: string[]; alerts?: string[]; isDrill?: boolean };

async function make({ title, services = [], alerts = [], isDrill = false }: Made) {
  world.pass(60);
  const links = await Promise.all(alerts.map(alert));
  const named = services.map((name) => ({ namespace: "fleet", name }));
  return world.report({ title, services: named, links, isDrill, isAnother: true });
}

test("an incident is compared with earlier ones by alerts and services, without drills and what is linked", async () => {
  await make({ title: "very old, same alert", services: ["relay"], alerts: ["RelayHighLatency"] });
  world.pass(181 * 86_400);
  await make({ title: "another service", services: ["hub"], alerts: ["HubDown"] });
  await make({ title: "same service, long ago", services: ["relay"] });
  const same = await make({ title: "same alert", alerts: ["RelayHighLatency", "RelayErrors"] });
  await make({ title: "same service", services: ["relay", "hub"] });
  await make({ title: "both", services: ["relay"], alerts: ["RelayHighLatency"] });
  await make({ title: "a drill", services: ["relay"], alerts: ["RelayHighLatency"], isDrill: true });
  const linked = await make({ title: "linked", services: ["relay"] });
  const { id } = await make({ title: "now", services: ["relay"], alerts: ["RelayHighLatency"] });
  await make({ title: "later", services: ["relay"], alerts: ["RelayHighLatency"] });
  await putLink(world.context, linked.id, { kind: "incident", targetId: id });
  const by = { createdAt: world.now(), createdByName: "olga", updatedAt: world.now(), updatedByName: "olga" };
  await world.db.postmortem.create({ data: { incidentId: same.id, state: "published", ownerName: "olga", text: "", ...by } });
  const related = await listRelatedIncidents(world.as("vera", "viewer"), id);
  expect(related.map(({ title, why, hasPostmortem }) => [title, why, hasPostmortem])).toEqual([
    ["both", "RelayHighLatency, fleet/relay", false],
    ["same alert", "RelayHighLatency", true],
    ["same service", "fleet/relay", false],
    ["same service, long ago", "fleet/relay", false],
  ]);
  await expect(listRelatedIncidents(world.context, randomUUID())).rejects.toMatchObject({ code: "not-found" });
});

test("an incident of no service and without alerts is like none", async () => {
  const { id } = await world.report();
  expect(await listRelatedIncidents(world.context, id)).toEqual([]);
});
