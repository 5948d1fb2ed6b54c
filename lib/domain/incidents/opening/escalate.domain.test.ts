import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandIncident } from "../commands.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { escalateOverdue } from "./escalate.ts";
import { setEscalation } from "./escalation-settings.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
  const filter = { events: ["incident-escalated"], severities: [], services: [] };
  const target = { name: "pager", kind: "webhook", config: {}, filter, updatedByName: "ada" };
  await world.db.notificationTarget.create({ data: { ...target, createdAt: world.now(), updatedAt: world.now() } });
});
afterAll(() => world?.drop());

/** Two controllers at once. */
const look = async () => {
  const [a, b] = await Promise.all([escalateOverdue(world.context), escalateOverdue(world.context)]);
  return a + b;
};
const report = (severity: "P1" | "P3") => world.report({ severity, services: [{ namespace: "fleet", name: randomUUID() }] });
const toldOf = (id: string) =>
  world.db.notification.findMany({ where: { eventKey: { startsWith: `incident/${id}/` } }, orderBy: { id: "asc" } });
const escalationsOf = async (id: string) => (await world.detail(id)).timeline.filter(({ kind }) => kind === "escalated");

test("people are told again when nobody acknowledges it in time, once for each time, until somebody does", async () => {
  const { id } = await report("P1");
  world.pass(299);
  expect(await look()).toBe(0);
  world.pass(1);
  expect(await look()).toBe(1);
  expect(await look()).toBe(0);
  expect((await world.detail(id)).escalatesAt).toBe(new Date(world.now().getTime() + 300_000).toISOString());
  world.pass(300);
  expect(await look()).toBe(1);
  expect((await escalationsOf(id)).map(({ message }) => message)).toEqual([
    "Nobody has acknowledged it for 5 m: people are told again.",
    "Nobody has acknowledged it for 10 m: people are told again, 2 times now.",
  ]);
  expect((await toldOf(id)).map(({ event, title }) => [event, title])).toEqual([
    ["incident-escalated", expect.stringContaining("for 5 m")],
    ["incident-escalated", expect.stringContaining("for 10 m")],
  ]);
  await commandIncident(world.context, { id, command: "acknowledge", body: {} });
  world.pass(3_600);
  expect(await look()).toBe(0);
});

test("a severity that does not escalate is left alone, and one that is set to begins to with the next incident", async () => {
  const { id: calm } = await report("P3");
  const minutes = { P1: null, P2: null, P3: 2, P4: null };
  await setEscalation(world.as("ada", "admin"), { minutes });
  const { id: urgent } = await report("P3");
  world.pass(120);
  expect(await look()).toBe(1);
  expect([await escalationsOf(calm), await escalationsOf(urgent)].map(({ length }) => length)).toEqual([0, 1]);
});
