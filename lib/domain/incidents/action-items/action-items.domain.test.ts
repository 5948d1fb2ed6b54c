import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { alertContext, makeEpisode, makeSource, minutesAgo, testNow } from "../../alerts/test-alerts.ts";
import type { Context } from "../../context.ts";
import { changeItem, commandItem, createItem } from "./commands.ts";
import { getItem, listItems } from "./queries.ts";
import { remindOwners } from "./remind.ts";
import type { CreateItemInput } from "./schemas.ts";
import { reopenReturned, reopenUnproven } from "./watch.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let olga: Context;
let incidentId: string;
let sourceId: string;
let now = testNow;

beforeAll(async () => {
  database = await createTestDatabase();
  olga = { ...alertContext(database.database), clock: () => now };
  sourceId = await makeSource(database.database);
});
afterAll(() => database?.drop());
beforeEach(async () => {
  now = testNow;
  await database.database.incident.deleteMany();
  const incident = await database.database.incident.create({
    data: {
      title: "The relay is slow",
      severity: "P2",
      step: "document",
      origin: "alert",
      openedAt: minutesAgo(19),
      openedByName: "Switchyard",
      impactStartedAt: minutesAgo(20),
      detectedAt: minutesAgo(19),
      resolvedAt: minutesAgo(5),
      services: { create: { namespace: "fleet", service: "relay" } },
    },
  });
  incidentId = incident.id;
});

const make = (input: Partial<CreateItemInput> = {}) =>
  createItem(olga, {
    incidentId,
    title: "Test latency before a release",
    type: "prevent",
    owner: "otto",
    dueOn: "2026-12-01",
    ...input,
  });
const command = (id: string, name: "close" | "reopen", body?: object) => commandItem(olga, { id, command: name, body });
const timeline = async () =>
  (await database.database.incidentEvent.findMany({ where: { incidentId }, orderBy: { version: "asc" } })).map(
    (row) => row.message,
  );

describe("an action item", () => {
  test("has an owner and a day, belongs to an incident, and is told in its timeline and audited", async () => {
    const item = await make({ link: "https://tracker.example/1" });
    expect(item).toMatchObject({
      incident: { id: incidentId, severity: "P2" },
      owner: "otto",
      dueOn: "2026-12-01",
      state: "open",
    });
    expect(item).toMatchObject({ isWatched: true, isOverdue: false, link: "https://tracker.example/1" });
    expect(await timeline()).toEqual([`olga added the action item AI-${item.number} for otto: Test latency before a release`]);
    expect(await database.database.auditEntry.findFirst({ where: { targetUid: item.id } })).toMatchObject({
      verb: "create",
      targetKind: "action-item",
      targetName: `AI-${item.number}`,
    });
  });

  test("is refused without them, or with a link that is none", async () => {
    await expect(make({ owner: " " })).rejects.toThrow("Somebody has to own it.");
    await expect(make({ dueOn: "soon" })).rejects.toThrow("Give a day");
    await expect(make({ link: "javascript:alert(1)" })).rejects.toThrow("Give an address");
    await expect(make({ proof: { kind: "drill", drill: " " } })).rejects.toThrow("Name the drill.");
    await expect(make({ incidentId: "019b0000-0000-7000-8000-000000000000" })).rejects.toThrow("There is no incident");
  });

  test("is an operator's to change; a viewer reads", async () => {
    const viewer = { ...olga, actor: { ...olga.actor, role: "viewer" as const } };
    const { id } = await make();
    await expect(createItem(viewer, {})).rejects.toThrow("this needs the role operator");
    await expect(commandItem(viewer, { id, command: "close", body: {} })).rejects.toThrow("this needs the role operator");
    expect((await getItem(viewer, id)).id).toBe(id);
  });

  test("is made once for its key, however often it is asked for, also at the same time", async () => {
    const input = { incidentId, title: "Once", type: "detect", owner: "otto", dueOn: "2026-12-01" };
    const key = "a-key-of-its-own";
    const made = await Promise.all([createItem(olga, input, key), createItem(olga, input, key)]);
    made.push(await createItem(olga, input, key));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect((await listItems(olga, { incidentId })).items).toHaveLength(1);
    await expect(createItem(olga, { ...input, title: "Other" }, key)).rejects.toMatchObject({ code: "idempotency-conflict" });
  });

  test("is closed and reopened once for the key of each request", async () => {
    const { id } = await make();
    const close = { id, command: "close", body: {}, key: "closes-it-for-this-test" };
    const both = await Promise.all([commandItem(olga, close), commandItem(olga, close)]);
    expect(both.map(({ state }) => state)).toEqual(["done", "done"]);
    await command(id, "reopen", { reason: "it was undone" });
    expect(await commandItem(olga, close)).toMatchObject({ state: "open" });
    expect(await database.database.auditEntry.count({ where: { targetUid: id, verb: "close" } })).toBe(1);
  });

  test("changes over what was read only", async () => {
    const item = await make();
    const changed = await changeItem(olga, item.id, { version: item.version, owner: "ada", dueOn: "2026-12-24" });
    expect(changed).toMatchObject({ owner: "ada", dueOn: "2026-12-24", type: "prevent" });
    await expect(changeItem(olga, item.id, { version: item.version, owner: "olga" })).rejects.toMatchObject({ code: "stale" });
    expect(await database.database.auditEntry.findFirst({ where: { targetUid: item.id, verb: "update" } })).toMatchObject({
      before: { ownerName: "otto", dueOn: "2026-12-01" },
      after: { ownerName: "ada", dueOn: "2026-12-24" },
    });
  });

  test("is closed once and reopened with a reason", async () => {
    const { id } = await make();
    expect(await command(id, "close")).toMatchObject({ state: "done", closedBy: "olga", closedAt: now.toISOString() });
    await expect(command(id, "close")).rejects.toThrow("It is done already.");
    await expect(command(id, "reopen")).rejects.toThrow("Say why it is reopened.");
    expect(await command(id, "reopen", { reason: "it was undone" })).toMatchObject({
      state: "open",
      reopenReason: "it was undone",
    });
  });
});

describe("the list", () => {
  test("has the most overdue first, a page at a time, and knows what is overdue today", async () => {
    const days = ["2026-11-22", "2026-11-20", "2026-11-21", "2026-11-19"];
    for (const dueOn of days) await make({ dueOn });
    const late = await make({ dueOn: "2026-11-01" });
    await command(late.id, "close");
    const first = await listItems(olga, { state: "overdue", limit: 1 });
    const second = await listItems(olga, { state: "overdue", limit: 1, cursor: first.nextCursor });
    expect([first, second].map(({ items }) => items.map(({ dueOn, isOverdue }) => [dueOn, isOverdue]))).toEqual([
      [["2026-11-19", true]],
      [["2026-11-20", true]],
    ]);
    expect(second.nextCursor).toBeNull();
    expect((await listItems(olga, { state: "open" })).items.map(({ dueOn }) => dueOn)).toEqual(days.toSorted());
    expect((await listItems(olga, { owner: "nobody" })).items).toEqual([]);
    expect((await listItems(olga, { incidentId, state: "done" })).items.map(({ id }) => id)).toEqual([late.id]);
  });
});

describe("a proof", () => {
  const rule = { type: "alerting", name: "RelayHighLatency", query: "slow", duration: 0, health: "ok" };
  const withPrometheus = (firesAfterSeconds: number): Context => {
    const began = minutesAgo(20).getTime() / 1000;
    const points = [[began + firesAfterSeconds, 1]];
    const prometheus = {
      rules: async () => [{ name: "relay", file: "relay.yaml", rules: [rule] }],
      queryRange: async () => [{ labels: { namespace: "fleet", service: "relay" }, points }],
    } as unknown as PrometheusClient;
    return { ...olga, prometheus };
  };
  const proof = { kind: "alert-rule" as const, rule: "RelayHighLatency", withinSeconds: 60 };

  test("is run to close, and its result kept", async () => {
    const { id } = await make({ proof });
    const closed = await commandItem(withPrometheus(30), { id, command: "close", body: undefined });
    expect(closed).toMatchObject({
      state: "done",
      proofResult: { verdict: "passed", at: now.toISOString() },
      overrideReason: null,
    });
    expect((await timeline()).at(-1)).toContain("would have fired 30 s after the impact began");
  });

  test("that does not pass keeps it open, which is told, unless an override says why it is closed", async () => {
    const { id } = await make({ proof });
    const close = (body?: object) => commandItem(withPrometheus(90), { id, command: "close", body });
    await expect(close()).rejects.toThrow("It stays open: RelayHighLatency, as it is now, would have fired 1 m 30 s after");
    expect(await getItem(olga, id)).toMatchObject({ state: "open", proofResult: { verdict: "failed" } });
    expect(await close({ override: { reason: "the rule is being replaced" } })).toMatchObject({
      state: "done",
      proofResult: { verdict: "failed" },
      overrideReason: "the rule is being replaced",
    });
  });

  test("that cannot be run proves nothing", async () => {
    const { id } = await make({ proof });
    await expect(command(id, "close")).rejects.toThrow("It stays open: No Prometheus is connected.");
    expect((await getItem(olga, id)).proofResult?.verdict).toBe("unknown");
  });
});

describe("a proof by a drill or a restore", () => {
  const neverCarriedOut = "The drill instance fleet/nothing was not carried out since: begin it on the page of drills.";
  const nothingToRestore = "There is no verified backup of fleet/nothing: name a service as fleet/relay, and back it up.";
  const proofs = [
    [{ kind: "drill" as const, drill: "instance fleet/nothing" }, neverCarriedOut],
    [{ kind: "restore" as const, backup: "fleet/nothing" }, nothingToRestore],
  ] as const;

  test("is kept, proves nothing before it was carried out, and says so", async () => {
    for (const [proof, message] of proofs) {
      const { id } = await make({ proof });
      await expect(command(id, "close")).rejects.toThrow(`It stays open: ${message}`);
      expect(await getItem(olga, id)).toMatchObject({ state: "open", proof, proofResult: { verdict: "unknown", message } });
      expect(await command(id, "close", { override: { reason: "shown by hand" } })).toMatchObject({
        state: "done",
        overrideReason: "shown by hand",
      });
    }
  });

  test("that fails after the item was closed opens it again, of the same name and kind only", async () => {
    const { id } = await make({ proof: { kind: "drill", drill: "relay-loss" } });
    await command(id, "close", { override: { reason: "shown by hand" } });
    const failed = { kind: "drill" as const, name: "relay-loss", message: "RTO 4 m, 1 m allowed.", at: new Date(+now + 60_000) };
    expect(await reopenUnproven(olga, { ...failed, name: "hub-loss" })).toBe(0);
    expect(await reopenUnproven(olga, { ...failed, kind: "restore" })).toBe(0);
    expect(await reopenUnproven(olga, { ...failed, at: minutesAgo(1) })).toBe(0);
    expect(await reopenUnproven(olga, failed)).toBe(1);
    expect(await reopenUnproven(olga, failed)).toBe(0);
    expect((await getItem(olga, id)).reopenReason).toBe(
      "The drill relay-loss failed, 2026-11-21 12:01 UTC: RTO 4 m, 1 m allowed.",
    );
  });
});

describe("an alert of the incident that fires again", () => {
  async function closeWatched(isWatched = true) {
    const episode = await makeEpisode(database.database, sourceId, { startsAt: minutesAgo(19), endsAt: minutesAgo(9) });
    const link = { incidentId, kind: "alert", targetId: episode, title: "RelayHighLatency", at: now, byName: "Switchyard" };
    await database.database.incidentLink.create({ data: link });
    const { id } = await make({ isWatched });
    await command(id, "close");
    return id;
  }
  const fireAgain = (minutes: number, labels = {}) =>
    makeEpisode(database.database, sourceId, {
      startsAt: new Date(testNow.getTime() + minutes * 60_000),
      endsAt: new Date(),
      labels,
    });

  test("opens what is closed, once, and says why", async () => {
    const id = await closeWatched();
    expect(await reopenReturned(olga)).toBe(0);
    await fireAgain(5);
    expect(await reopenReturned(olga)).toBe(1);
    expect(await reopenReturned(olga)).toBe(0);
    expect(await getItem(olga, id)).toMatchObject({
      state: "open",
      closedAt: null,
      reopenReason: "RelayHighLatency fired again, 2026-11-21 12:05 UTC.",
    });
    expect((await timeline()).at(-1)).toMatch(/^The action item AI-\d+ is open again: RelayHighLatency fired again/);
  });

  test("keeps the item from being closed while it fires, unless an override says why", async () => {
    const id = await closeWatched();
    await command(id, "reopen", { reason: "it was undone" });
    await makeEpisode(database.database, sourceId, { startsAt: minutesAgo(3) });
    await expect(command(id, "close")).rejects.toThrow(
      "It stays open: RelayHighLatency of its incident fires, since 2026-11-21 11:57 UTC. Close it all the same",
    );
    expect(await command(id, "close", { override: { reason: "a wrong alarm" } })).toMatchObject({
      state: "done",
      overrideReason: "a wrong alarm",
    });
    await database.database.alertEpisode.deleteMany();
  });

  test("in a drill opens nothing and keeps nothing open", async () => {
    const id = await closeWatched();
    const drilled = await fireAgain(5);
    const { id: drill } = await database.database.incident.create({
      data: {
        title: "A drill",
        severity: "P3",
        step: "detect",
        origin: "drill",
        isDrill: true,
        openedAt: now,
        openedByName: "Switchyard",
        impactStartedAt: now,
        impactStartSource: "alert",
        detectedAt: now,
        links: { create: { kind: "alert", targetId: drilled, title: "RelayHighLatency", at: now, byName: "Switchyard" } },
      },
    });
    expect(await reopenReturned(olga)).toBe(0);
    await command(id, "reopen", { reason: "it was undone" });
    await database.database.alertEpisode.update({ where: { id: drilled }, data: { endsAt: null, state: "firing" } });
    expect((await command(id, "close")).state).toBe("done");
    await database.database.incident.delete({ where: { id: drill } });
  });

  test("does not open it for an episode from before it was closed, for another alert, or when nobody asked for it", async () => {
    await database.database.alertEpisode.deleteMany();
    await closeWatched();
    await fireAgain(-2);
    await fireAgain(6, { pod: "another" });
    const unwatched = await make({ isWatched: false });
    await command(unwatched.id, "close");
    expect(await reopenReturned(olga)).toBe(0);
  });
});

describe("a reminder", () => {
  const target = (filter: object) =>
    database.database.notificationTarget.create({
      data: {
        kind: "webhook",
        name: JSON.stringify(filter),
        config: {},
        filter,
        createdAt: now,
        updatedAt: now,
        updatedByName: "test",
      },
    });
  const told = async (targetId: string) =>
    (await database.database.notification.findMany({ where: { targetId }, orderBy: { id: "asc" } })).map(({ title }) => title);

  test("is told the day before and once more when it is overdue, to those who follow the service", async () => {
    const events = ["action-item-due"];
    const mine = await target({ events, severities: [], services: ["fleet/relay"] });
    const other = await target({ events, severities: [], services: ["fleet/hub"] });
    const { number, id } = await make({ dueOn: "2026-11-23" });
    const done = await make({ dueOn: "2026-11-22" });
    await command(done.id, "close");
    for (const day of ["2026-11-21", "2026-11-22", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"]) {
      now = new Date(`${day}T08:00:00Z`);
      await remindOwners(olga);
    }
    const title = `AI-${number} of otto is due 2026-11-23: Test latency before a release`;
    expect(await told(mine.id)).toEqual([title, title.replace("is due", "is overdue since")]);
    expect(await told(other.id)).toEqual([]);
    const { version } = await getItem(olga, id);
    await changeItem(olga, id, { version, dueOn: "2026-11-26" });
    await remindOwners(olga);
    expect(await told(mine.id)).toHaveLength(3);
  });
});
