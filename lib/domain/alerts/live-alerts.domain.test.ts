import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { FleetStore } from "../fleet/live.ts";
import { deployment } from "../fleet/test-objects.ts";
import { acknowledgeAlerts, unacknowledgeAlerts } from "./acknowledge.ts";
import { listLiveAlerts } from "./live-alerts.ts";
import { getAlert } from "./queries.ts";
import { alertContext, clearAlerts, makeEpisode, makeSource, minutesAgo, testNow } from "./test-alerts.ts";

let db: Database;
let drop: () => Promise<void>;
let source: string;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await clearAlerts(db);
  source = await makeSource(db);
});

const act = (service: string, verb: string, minutes: number, change: object = {}) =>
  db.auditEntry.create({
    data: {
      at: minutesAgo(minutes),
      actorKind: "user",
      actorName: "otto",
      verb,
      targetKind: "service",
      targetNamespace: "fleet",
      targetName: service,
      outcome: "succeeded",
      requestId: "request",
      ...change,
    },
  });

/** A fleet whose relay needs redis. */
function fleetOfRelay(): FleetStore {
  const fleet = new FleetStore({ now: () => testNow });
  const relay = deployment();
  relay.metadata.annotations = {
    "switchyard.dev/depends-on": "redis",
    "switchyard.dev/runbook": "https://runbooks.example/relay",
  };
  fleet.applyWorkloads({ upserted: [relay], removed: [] } as Parameters<FleetStore["applyWorkloads"]>[0]);
  fleet.close();
  return fleet;
}

describe("the live list", () => {
  test("tells apart how open alerts stand, what wants somebody first, the worst and newest of that first", async () => {
    await makeEpisode(db, source, { name: "Over", endsAt: minutesAgo(1) });
    await makeEpisode(db, source, { name: "Silenced", silencedBy: ["s"], acknowledgedAt: minutesAgo(1) });
    await makeEpisode(db, source, { name: "Inhibited", inhibited: true });
    await makeEpisode(db, source, { name: "Acknowledged", severity: "critical", acknowledgedAt: minutesAgo(1) });
    await makeEpisode(db, source, { name: "Warning", startsAt: minutesAgo(1) });
    await makeEpisode(db, source, { name: "Critical", severity: "critical", startsAt: minutesAgo(9) });
    await makeEpisode(db, source, { name: "Newer", severity: "critical", startsAt: minutesAgo(2) });
    const live = await listLiveAlerts(alertContext(db, "viewer"), {});
    expect(live.items.map(({ name, standing }) => [name, standing])).toEqual([
      ["Newer", "firing"],
      ["Critical", "firing"],
      ["Warning", "firing"],
      ["Acknowledged", "acknowledged"],
      ["Inhibited", "inhibited"],
      ["Silenced", "silenced"],
    ]);
    expect(live.counts).toEqual({ firing: 3, acknowledged: 1, silenced: 1, inhibited: 1, unknown: 0 });
    expect(live.firingBySeverity).toEqual({ critical: 2, warning: 1 });
    const some = await listLiveAlerts(alertContext(db), { standing: "silenced,inhibited", labels: "alertname=~S.*" });
    expect(some.items.map(({ name }) => name)).toEqual(["Silenced"]);
  });

  test("calls what a blind source told unknown, and says since when and why it is blind", async () => {
    await makeEpisode(db, source, { name: "Stale", acknowledgedAt: minutesAgo(2) });
    const heard = await makeSource(db, "heard");
    await makeEpisode(db, heard, { name: "Fresh" });
    await makeEpisode(db, source, { name: "ExpiredSince", startsAt: minutesAgo(20), endsAt: minutesAgo(3) });
    await makeEpisode(db, source, { name: "EndedBefore", startsAt: minutesAgo(20), endsAt: minutesAgo(5) });
    await db.blindWindow.create({ data: { sourceId: source, openKey: source, reason: "unreachable", beganAt: minutesAgo(4) } });
    const live = await listLiveAlerts(alertContext(db), {});
    expect(live.items.map(({ name, standing }) => [name, standing])).toEqual([
      ["Fresh", "firing"],
      ["Stale", "unknown"],
      ["ExpiredSince", "unknown"],
    ]);
    expect(live.sources).toMatchObject([
      { name: "embedded", blindSince: minutesAgo(4).toISOString(), blindReason: expect.stringMatching(/\.$/) },
      { name: "heard", blindSince: null, blindReason: null },
    ]);
  });

  test("names the closest action before each alert, of its service or of what this needs", async () => {
    await makeEpisode(db, source, { name: "Slow", startsAt: minutesAgo(10) });
    await makeEpisode(db, source, { name: "Elsewhere", service: "hub" });
    await act("redis", "restart", 11);
    const image = await act("relay", "image", 12, { actorKind: "external", actorName: "kubectl", reason: "a try" });
    await act("relay", "image", 45);
    await act("relay", "image", 5);
    await act("relay", "restart", 11, { outcome: "failed" });
    await act("hub", "image", 50);
    const { items } = await listLiveAlerts(alertContext(db, "viewer", fleetOfRelay()), {});
    expect(items.map(({ name, suspect }) => [name, suspect?.auditId ?? null])).toEqual([
      ["Slow", image.id],
      ["Elsewhere", null],
    ]);
    expect(items[0]?.suspect).toMatchObject({
      actor: "kubectl",
      actorKind: "external",
      secondsBefore: 120,
      service: "fleet/relay",
      relation: "same-service",
      closeness: "2 m before, on relay itself",
    });
  });
});

describe("one alert", () => {
  test("comes with what happened to it, its suspects, its runbook and its earlier episodes", async () => {
    for (const start of [3000, 2000, 1000])
      await makeEpisode(db, source, { startsAt: minutesAgo(start), endsAt: minutesAgo(start - 5) });
    const id = await makeEpisode(db, source, {});
    await acknowledgeAlerts(alertContext(db), { ids: [id], note: "looking" });
    const redis = await act("redis", "restart", 12);
    const detail = await getAlert(alertContext(db, "viewer", fleetOfRelay()), id);
    expect(detail.transitions.map(({ kind, text }) => [kind, text])).toEqual([
      ["fired", "It began to fire."],
      ["acknowledged", "olga acknowledged it: looking"],
    ]);
    expect(detail.suspects).toMatchObject([
      { auditId: redis.id, relation: "dependency", closeness: "2 m before, on redis, which relay needs" },
    ]);
    expect(detail.suspectsFrom).toEqual({ minutes: 30, services: ["fleet/relay", "fleet/redis"] });
    expect(detail.runbook).toBe("https://runbooks.example/relay");
    expect(detail.previousEpisodes.map(({ startsAt }) => startsAt)).toEqual(
      [1000, 2000, 3000].map((start) => minutesAgo(start).toISOString()),
    );
    expect(detail).toMatchObject({ previousTotal: 3, standing: "acknowledged", sourceState: { name: "embedded" } });
  });

  test("links no runbook that is no web address", async () => {
    const id = await makeEpisode(db, source, { annotations: { runbook_url: "javascript:alert(1)" } });
    expect((await getAlert(alertContext(db), id)).runbook).toBeNull();
  });

  test("that is not there is not found", async () => {
    await expect(getAlert(alertContext(db), "00000000-0000-4000-8000-000000000000")).rejects.toMatchObject({ code: "not-found" });
    await expect(getAlert(alertContext(db), "x")).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("acknowledging", () => {
  test("notes who and when once, with a transition and an audit entry each, and can be taken back", async () => {
    const [open, over] = [
      await makeEpisode(db, source, {}),
      await makeEpisode(db, source, { name: "Over", endsAt: minutesAgo(1) }),
    ];
    const operator = alertContext(db);
    expect(await acknowledgeAlerts(operator, { ids: [open, over, open] })).toEqual({ changed: [open], unchanged: 1 });
    const second = { ...operator, actor: { ...operator.actor, name: "otto" } };
    expect(await acknowledgeAlerts(second, { ids: [open] })).toEqual({ changed: [], unchanged: 1 });
    expect(await db.alertEpisode.findUnique({ where: { id: open } })).toMatchObject({
      acknowledgedByName: "olga",
      acknowledgedAt: testNow,
    });
    expect(await unacknowledgeAlerts(second, { ids: [open], note: "not mine" })).toMatchObject({ changed: [open] });
    const kinds = await db.alertTransition.findMany({
      where: { episodeId: open, by: { not: "webhook" } },
      orderBy: { id: "asc" },
    });
    expect(kinds.map(({ kind, by }) => [kind, by])).toEqual([
      ["acknowledged", "olga"],
      ["unacknowledged", "otto"],
    ]);
    const audit = await db.auditEntry.findMany({ where: { targetKind: "alert" }, orderBy: { id: "asc" } });
    expect(audit).toMatchObject([
      { verb: "acknowledge", actorName: "olga", targetName: "RelayHighLatency", targetUid: open, outcome: "succeeded" },
      { verb: "unacknowledge", actorName: "otto", reason: "not mine" },
    ]);
  });

  test("by two at once has one winner", async () => {
    const id = await makeEpisode(db, source, {});
    const results = await Promise.all(
      ["a", "b", "c", "d"].map((name) => {
        const context = alertContext(db);
        return acknowledgeAlerts({ ...context, actor: { ...context.actor, name } }, { ids: [id] });
      }),
    );
    expect(results.filter(({ changed }) => changed.length > 0)).toHaveLength(1);
    expect(await db.alertTransition.count({ where: { episodeId: id, kind: "acknowledged" } })).toBe(1);
  });

  test("waits for ingest that has locked the alerts, instead of holding one that ingest wants", async () => {
    const ids = await Promise.all(["1", "2"].map((pod) => makeEpisode(db, source, { labels: { pod } })));
    const [first = "", second = ""] = ids.toSorted();
    let acknowledging: Promise<unknown> = Promise.resolve();
    await db.$transaction(async (ingest) => {
      await ingest.$executeRaw`SELECT 1 FROM alert_series ORDER BY source_id, fingerprint FOR UPDATE`;
      await ingest.alertEpisode.update({ where: { id: second }, data: { lastReceivedAt: testNow } });
      acknowledging = acknowledgeAlerts(alertContext(db), { ids });
      acknowledging.catch(() => {});
      await expect
        .poll(() => db.$queryRaw`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
        .toHaveLength(1);
      await ingest.alertEpisode.update({ where: { id: first }, data: { lastReceivedAt: testNow } });
    });
    expect(await acknowledging).toMatchObject({ changed: expect.arrayContaining(ids), unchanged: 0 });
  });

  test("needs the role operator", async () => {
    const id = await makeEpisode(db, source, {});
    await expect(acknowledgeAlerts(alertContext(db, "viewer"), { ids: [id] })).rejects.toMatchObject({ code: "not-permitted" });
  });
});
