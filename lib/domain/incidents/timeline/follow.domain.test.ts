import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { changeIncident } from "../change.ts";
import { commandIncident } from "../commands.ts";
import { removeLink } from "../links.ts";
import { endAlert, relay, storeAction, storeAlert, storeRollout } from "../test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { writeTimelines } from "./follow.ts";

let world: IncidentWorld;
let service: { namespace: string; name: string };
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());
beforeEach(() => {
  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
});

const ago = (minutes: number) => new Date(world.now().getTime() - minutes * 60_000);
const report = () => world.report({ services: [service] });
/** Two controllers at once. */
const follow = async () => {
  const [a, b] = await Promise.all([writeTimelines(world.context), writeTimelines(world.context)]);
  return a + b;
};
/** In a cluster where the services are gone. */
const followWithout = () => {
  const get = () => Promise.reject(new KubernetesError(404, "NotFound", "gone"));
  return writeTimelines({ ...world.context, kubernetes: { get } as unknown as KubernetesClient });
};
const rowsOf = async (id: string) =>
  (await world.detail(id)).timeline.filter(({ source }) => source !== null && source !== "opened");
const messagesOf = async (id: string) => (await rowsOf(id)).map(({ message }) => message);

describe("the timeline", () => {
  test("has what happened to alerts, by actions and in rollouts, each once and in order, with the address of the charts", async () => {
    const startsAt = ago(10);
    await storeAction(world.db, { at: ago(12), service });
    await storeAlert(world.db, { startsAt, endsAt: ago(4), service });
    const rolloutId = await storeRollout(world.db, {
      startedAt: ago(6),
      finishedAt: ago(5),
      state: "complete",
      message: "All instances run 2.1.0.",
      service,
    });
    const { id, version } = await report();
    expect(await follow()).toBe(5);
    expect(await follow()).toBe(0);
    const rows = await rowsOf(id);
    expect(rows.map(({ kind, by, message }) => [kind, by, message])).toEqual([
      ["action", "piet", `Image of ${service.name}: 2.0.0 → 2.1.0. Reason: the new version`],
      ["alert", "Alertmanager", "RelayHighLatency (critical) began to fire: relay: p95 is 400 ms."],
      ["action", "piet", `Image of ${service.name}: 2.0.0 → 2.1.0. Reason: the new version`],
      ["rollout", "Switchyard", `Rollout of ${service.name}: All instances run 2.1.0.`],
      ["alert", "Alertmanager", "RelayHighLatency ended after 6 m."],
    ]);
    expect(rows[3]?.source).toBe(`rollout/${rolloutId}/complete`);
    const seconds = Math.floor(startsAt.getTime() / 1000);
    expect(rows[1]?.href).toBe(`/fleet/fleet/${service.name}?from=${seconds - 600}&to=${seconds + 300}`);
    expect((await world.detail(id)).version).toBeGreaterThan(version);
  });

  test("has an action once it is settled, what failed with why, what was changed outside, and nothing that was refused", async () => {
    const pending = await storeAction(world.db, { at: ago(5), outcome: "pending", service });
    await storeAction(world.db, { at: ago(4), outcome: "refused", service });
    await storeAction(world.db, { at: ago(3), outcome: "failed", reason: null, service });
    await storeAction(world.db, {
      at: ago(2),
      verb: "template",
      actorKind: "external",
      actorName: "kubectl",
      reason: null,
      service,
    });
    const { id } = await report();
    await follow();
    expect((await rowsOf(id)).map(({ kind, by, message }) => [kind, by, message])).toEqual([
      ["action", "piet", `Image of ${service.name}: 2.0.0 → 2.1.0. It failed: nothing is known of why`],
      ["config", "kubectl", `Template of ${service.name}: pod template changed, outside Switchyard.`],
    ]);
    await world.db.auditEntry.update({ where: { id: pending }, data: { outcome: "succeeded" } });
    expect(await follow()).toBe(1);
    expect((await messagesOf(id))[0]).toContain("the new version");
  });

  test("has a strategy's events and verdicts, and of the checks after it those that failed", async () => {
    const rolloutId = await storeRollout(world.db, { startedAt: ago(9), strategy: { kind: "canary" }, run: {}, service });
    const event = (minutes: number, kind: string, message: string, detail: object = {}) => ({
      rolloutId,
      at: ago(minutes),
      kind,
      message,
      by: "Switchyard",
      detail,
    });
    await world.db.rolloutEvent.createMany({
      data: [
        event(8, "analysis", "p95 is 400 ms of 50 ms."),
        event(7, "aborted", "Given up."),
        event(6, "check", "Ready.", { state: "passed" }),
        event(6, "check", "Alerts fire.", { state: "failed" }),
      ],
    });
    const { id } = await report();
    await follow();
    expect((await messagesOf(id)).slice(1)).toEqual([
      `Rollout of ${service.name}: p95 is 400 ms of 50 ms.`,
      `Rollout of ${service.name}: Given up.`,
      `Rollout of ${service.name}: Alerts fire.`,
    ]);
  });

  test("begins 30 minutes before the impact, ends an hour after the resolution, and is of the incident's services only", async () => {
    await storeAction(world.db, { at: ago(31), reason: "too early", service });
    await storeAction(world.db, { at: ago(29), reason: "early", service });
    await storeAction(world.db, { at: ago(5), reason: "of another", service: { ...relay, name: `${service.name}-other` } });
    const { id } = await report();
    await commandIncident(world.context, { id, command: "resolve", body: { override: { reason: "nothing to measure" } } });
    world.pass(59 * 60);
    await storeAction(world.db, { at: world.now(), reason: "late", service });
    await follow();
    world.pass(120);
    await storeAction(world.db, { at: world.now(), reason: "too late", service });
    expect(await follow()).toBe(0);
    expect((await messagesOf(id)).map((message) => message.split("Reason: ")[1])).toEqual(["early", "late"]);
  });

  test("is written to its end though nobody looked for hours, and again once its times or services are others", async () => {
    await storeAction(world.db, { at: ago(10), reason: "before it", service });
    const other = { ...service, name: `${service.name}-other` };
    await storeAction(world.db, { at: ago(50), reason: "earlier", service });
    await storeAction(world.db, { at: ago(5), reason: "elsewhere", service: other });
    const { id } = await report();
    await commandIncident(world.context, { id, command: "resolve", body: { override: { reason: "nothing to measure" } } });
    const reasons = async () => (await messagesOf(id)).map((message) => message.split("Reason: ")[1]);
    const followed = () => world.db.incident.count({ where: { id, timelineVersion: null } });
    world.pass(7 * 3_600);
    // Without an answer of the cluster it may still have restarts to tell of.
    await follow();
    await follow();
    expect(await reasons()).toEqual(["before it"]);
    expect(await followed()).toBe(1);
    await followWithout();
    expect(await followed()).toBe(0);
    const impactStartedAt = ago(7 * 60 + 40).toISOString();
    await changeIncident(world.context, id, { clock: { impactStartedAt }, reason: "the graphs say so" });
    await follow();
    expect(await reasons()).toEqual(["earlier", "before it"]);
    await changeIncident(world.context, id, { services: [service, other] });
    await follow();
    expect(await reasons()).toEqual(["earlier", "before it", "elsewhere"]);
    await followWithout();
    const { version, timelineVersion } = await world.db.incident.findUniqueOrThrow({ where: { id } });
    expect(timelineVersion).toBe(version);
  });

  test("of one incident that cannot be written keeps no other one back, and is tried again", async () => {
    const [broken, whole] = [await report(), await world.report({ services: [{ ...service, name: `${service.name}-b` }] })];
    await storeAction(world.db, { at: ago(1), service });
    await storeAction(world.db, { at: ago(1), service: { ...service, name: `${service.name}-b` } });
    await world.db.$executeRawUnsafe(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END';
      CREATE TRIGGER refuse BEFORE INSERT ON incident_events FOR EACH ROW WHEN (NEW.incident_id = '${broken.id}') EXECUTE FUNCTION refuse()`);
    try {
      await follow();
      expect(await rowsOf(whole.id)).toHaveLength(1);
      expect(await rowsOf(broken.id)).toHaveLength(0);
    } finally {
      await world.db.$executeRawUnsafe("DROP TRIGGER refuse ON incident_events; DROP FUNCTION refuse()");
    }
    await follow();
    expect(await rowsOf(broken.id)).toHaveLength(1);
  });
});

describe("an alert of the incident's services", () => {
  const linksOf = async (id: string) => (await world.detail(id)).links.map(({ kind, targetId, by }) => ({ kind, targetId, by }));

  test("is linked when it fires while the incident goes on, also when it began before its window, and not when it was over before", async () => {
    const old = await storeAlert(world.db, { startsAt: ago(90), service });
    await storeAlert(world.db, { startsAt: ago(20), endsAt: ago(10), service });
    // Of this one only its end lies within the window.
    await storeAlert(world.db, { startsAt: ago(45), endsAt: ago(12), service });
    const { id } = await report();
    world.pass(60);
    const later = await storeAlert(world.db, { startsAt: world.now(), service });
    await follow();
    expect(await linksOf(id)).toEqual(
      expect.arrayContaining([
        { kind: "alert", targetId: old, by: "Switchyard" },
        { kind: "alert", targetId: later, by: "Switchyard" },
      ]),
    );
    expect(await linksOf(id)).toHaveLength(2);
    expect(await rowsOf(id)).toHaveLength(5);
  });

  test("stays away once a person has taken it away, until it fires again", async () => {
    const alert = await storeAlert(world.db, { startsAt: ago(1), service });
    const { id } = await report();
    await follow();
    await removeLink(world.context, id, { kind: "alert", targetId: alert }, { body: { reason: "of another tenant" } });
    world.pass(60);
    await endAlert(world.db, alert, world.now());
    await follow();
    expect(await linksOf(id)).toEqual([]);
    const again = await storeAlert(world.db, { startsAt: world.now(), service });
    await follow();
    expect(await linksOf(id)).toEqual([{ kind: "alert", targetId: again, by: "Switchyard" }]);
  });

  test("tells its history where a person links it, though it is of another service", async () => {
    const alert = await storeAlert(world.db, {
      startsAt: ago(300),
      endsAt: ago(200),
      service: { ...relay, name: "elsewhere" },
    });
    const { id } = await world.report({ services: [service], links: [{ kind: "alert", targetId: alert }] });
    await follow();
    expect(await rowsOf(id)).toHaveLength(2);
  });
});
