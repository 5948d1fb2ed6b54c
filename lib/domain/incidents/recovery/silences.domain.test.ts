import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endAlert, relay, storeAlert, storeSource } from "../test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { listResolveBlockers } from "./resolve-gate.ts";
import { markSilences } from "./silences.ts";

let world: IncidentWorld;
let server: Server;
let silences: object[] = [];
let isDown = false;

beforeAll(async () => {
  world = await startIncidentWorld();
  server = createServer((_, response) => {
    response.writeHead(isDown ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(silences));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server?.close(resolve));
  await world?.drop();
});

function silence(name: string, state = "active") {
  return {
    id: "s1",
    status: { state },
    matchers: [{ name: "alertname", value: name, isRegex: false, isEqual: true }],
    startsAt: "2026-11-21T02:00:00Z",
    endsAt: "2026-11-21T09:00:00Z",
    updatedAt: "2026-11-21T02:00:00Z",
    createdBy: "olga",
    comment: "planned",
  };
}

test("an alert that is over does not free the resolve while a silence would hide it if it fired again", async () => {
  const sourceId = await storeSource(world.db, world.now());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await world.db.alertSource.update({ where: { id: sourceId }, data: { members: { create: { url } } } });
  const targetId = await storeAlert(world.db, { sourceId, startsAt: world.now() });
  await world.db.alertEpisode.update({ where: { id: targetId }, data: { labels: { alertname: "RelayHighLatency" } } });
  const { id, version } = await world.report({ services: [relay], links: [{ kind: "alert", targetId }] });
  world.pass(60);
  await endAlert(world.db, targetId, world.now());
  world.pass(3_600);
  const silenced = async () =>
    (await listResolveBlockers(world.db, id, world.now()))
      .filter((blocker) => blocker.id === "silenced")
      .map(({ message }) => message);

  silences = [silence("ServiceDown"), silence("RelayHighLatency", "expired")];
  expect([await markSilences(world.context), await silenced()]).toEqual([0, []]);
  silences = [silence("RelayHighLatency")];
  expect([await markSilences(world.context), await markSilences(world.context)]).toEqual([1, 0]);
  expect(await silenced()).toEqual([
    "RelayHighLatency is over, and would be hidden if it fired again: a silence by olga until 2026-11-21 09:00 UTC (“planned”).",
  ]);
  expect((await world.detail(id)).version).toBe(version + 1);
  isDown = true;
  expect([await markSilences(world.context), await silenced()]).toEqual([0, [expect.any(String)]]);
  isDown = false;
  silences = [];
  expect([await markSilences(world.context), await silenced()]).toEqual([1, []]);
});
