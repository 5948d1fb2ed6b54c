import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeEpisode, makeSource } from "../alerts/test-alerts.ts";
import { type IncidentWorld, startIncidentWorld } from "../incidents/test-incidents.ts";
import { saveRunbook } from "./commands.ts";
import { findDeliveredPage } from "./delivered.ts";
import { findAlertRunbook, listIncidentRunbooks } from "./of-incident.ts";
import { getRunbook, getRunbookVersion, listRunbooks, listRunbookVersions } from "./queries.ts";

let world: IncidentWorld;
let source: string;
beforeAll(async () => {
  world = await startIncidentWorld();
  source = await makeSource(world.db);
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.db.runbookVersion.deleteMany();
  await world.db.auditEntry.deleteMany();
});

const latency = { scope: "alert", group: "relay", name: "RelayHighLatency" };
const relay = { scope: "service", group: "fleet", name: "relay" };

describe("a runbook", () => {
  test("is what Switchyard delivers until somebody writes it, and that is version 0", async () => {
    const found = await getRunbook(world.context, latency);
    expect(found).toMatchObject({ version: 0, isDelivered: true, by: null });
    expect(found.text).toMatch(/^The slowest twentieth/);
    const saved = await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0, note: "she knows" });
    expect(saved).toMatchObject({ version: 1, isDelivered: false, by: "olga", text: "Wake Ada.", delivered: found.text });
    expect(await getRunbook(world.context, latency)).toEqual(saved);
  });

  test("keeps every version, and puts one back as one more", async () => {
    await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0 });
    world.pass(60);
    await saveRunbook(world.as("otto"), latency, { text: "Wake Otto.", version: 1, note: "Ada has left" });
    const first = await getRunbookVersion(world.context, { ...latency, version: "1" });
    await saveRunbook(world.context, latency, { text: first.text, version: 2 });
    const { items } = await listRunbookVersions(world.context, latency);
    expect(items.map(({ version, by, note }) => [version, by, note])).toEqual([
      [3, "olga", null],
      [2, "otto", "Ada has left"],
      [1, "olga", null],
      [0, null, null],
    ]);
    expect((await getRunbookVersion(world.context, { ...latency, version: "0" })).text).toMatch(/^The slowest twentieth/);
    expect((await getRunbook(world.context, latency)).text).toBe("Wake Ada.");
  });

  test("follows what is delivered again once that is put back", async () => {
    await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0 });
    const back = await saveRunbook(world.context, latency, { text: null, version: 1 });
    expect(back).toMatchObject({ version: 2, isDelivered: true });
    expect(back.text).toBe(back.delivered);
  });

  test("is not written over a version that was not read, and the same again is no version more", async () => {
    await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0 });
    expect(await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0 })).toMatchObject({ version: 1 });
    await expect(saveRunbook(world.as("otto"), latency, { text: "Wake Otto.", version: 0 })).rejects.toMatchObject({
      code: "stale",
      message: expect.stringMatching(/^olga has changed/),
    });
    const both = [1, 2].map((one) => saveRunbook(world.as(`p${one}`), latency, { text: `Text ${one}`, version: 1 }));
    const ended = await Promise.allSettled(both);
    expect(ended.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ended.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "stale" } });
  });

  test("is written by operators, and the audit has who wrote which version and why", async () => {
    await expect(saveRunbook(world.as("vera", "viewer"), latency, { text: "No.", version: 0 })).rejects.toMatchObject({
      code: "not-permitted",
    });
    await saveRunbook(world.context, latency, { text: "Wake Ada.", version: 0, note: "she knows" });
    const entry = await world.db.auditEntry.findFirstOrThrow({ where: { targetKind: "runbook" }, orderBy: { at: "desc" } });
    expect(entry).toMatchObject({ verb: "write", actorName: "olga", targetName: "relay/RelayHighLatency", reason: "she knows" });
    expect(entry.after).toEqual({ version: 1 });
  });

  test("is not at an address that names none", async () => {
    await expect(getRunbook(world.context, { ...latency, scope: "host" })).rejects.toMatchObject({ code: "not-found" });
    await expect(getRunbookVersion(world.context, { ...latency, version: "7" })).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the list", () => {
  test("has what is delivered and what people wrote, by name, a page at a time", async () => {
    await saveRunbook(world.context, { scope: "alert", group: "any", name: "DiskFull" }, { text: "Delete logs.", version: 0 });
    const all = await listRunbooks(world.context, { limit: 500 });
    expect(all.nextCursor).toBeNull();
    const names = all.items.map(({ scope, group, name }) => `${scope}/${group}/${name}`);
    expect(names).toEqual(names.toSorted());
    expect(names).toContain("alert/relay/RelayHighLatency");
    expect(all.items.find(({ name }) => name === "DiskFull")).toMatchObject({ version: 1, isDelivered: false, by: "olga" });
    const first = await listRunbooks(world.context, { limit: 3 });
    const second = await listRunbooks(world.context, { limit: 3, cursor: first.nextCursor });
    expect([...first.items, ...second.items]).toEqual(all.items.slice(0, 6));
    const found = await listRunbooks(world.context, { search: "relay latency" });
    expect(found.items.map(({ name }) => name)).toEqual(["RelayHighLatency"]);
  });
});

describe("an incident", () => {
  test("gets the runbooks of its alerts, of what fires on its services, then of its services; what counts the past comes after", async () => {
    const ended = await makeEpisode(world.db, source, {
      name: "RelayHighErrorRate",
      endsAt: world.now(),
      labels: { kind: "relay" },
    });
    await makeEpisode(world.db, source, { name: "RelayHighLatency", labels: { kind: "relay" } });
    await makeEpisode(world.db, source, { name: "ErrorBudgetBurnFast", labels: { kind: "controller" } });
    await makeEpisode(world.db, source, { name: "HubHighLatency", service: "hub", labels: { kind: "hub" } });
    await makeEpisode(world.db, source, { name: "Unheard", labels: { kind: "relay" } });
    const { id } = await world.report({
      services: [{ namespace: "fleet", name: "relay" }],
      links: [{ kind: "alert", targetId: ended }],
    });
    await saveRunbook(world.context, relay, { text: "Call [Ada](action:restart).", version: 0 });
    const { items } = await listIncidentRunbooks(world.context, id);
    expect(items.map(({ scope, name, isFiring, service }) => [scope, name, isFiring, service])).toEqual([
      ["alert", "RelayHighLatency", true, "fleet/relay"],
      ["alert", "RelayHighErrorRate", false, "fleet/relay"],
      ["alert", "ErrorBudgetBurnFast", true, "fleet/relay"],
      ["service", "relay", false, "fleet/relay"],
    ]);
    expect(items[3]?.text).toMatch(/^Call/);
  });

  test("takes an alert's runbook of the alert's kind, else that for every kind, else of the only kind that delivers one", async () => {
    const down = await makeEpisode(world.db, source, {
      name: "ServiceDown",
      service: "edge",
      labels: { kind: "edge", pod: "e" },
    });
    expect((await findAlertRunbook(world.context, down)).item).toMatchObject({ group: "edge", name: "ServiceDown" });
    const watchdog = await makeEpisode(world.db, source, { name: "Watchdog", service: "none", labels: { pod: "w" } });
    expect((await findAlertRunbook(world.context, watchdog)).item).toMatchObject({ group: "controller" });
    await saveRunbook(world.context, { scope: "alert", group: "controller", name: "Watchdog" }, { text: "Look up.", version: 0 });
    expect((await findAlertRunbook(world.context, watchdog)).item).toMatchObject({ text: "Look up.", version: 1 });
    const disk = await makeEpisode(world.db, source, { name: "DiskFull", labels: { kind: "relay", pod: "d" } });
    expect((await findAlertRunbook(world.context, disk)).item).toBeNull();
    await saveRunbook(world.context, { scope: "alert", group: "any", name: "DiskFull" }, { text: "Delete logs.", version: 0 });
    expect((await findAlertRunbook(world.context, disk)).item).toMatchObject({ group: "any", text: "Delete logs." });
  });
});

test("a service's runbook is delivered by its kind, and there is one for kinds that deliver none", async () => {
  const found = await getRunbook(world.context, relay);
  expect(found.text).toContain("(action:roll-back)");
  expect(findDeliveredPage("relay")?.alerts).toContain("RelayHighLatency");
});
