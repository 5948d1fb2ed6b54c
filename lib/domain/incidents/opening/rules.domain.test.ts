import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { firstRun } from "../../recovery/drills/run.ts";
import { commandIncident } from "../commands.ts";
import { endAlert, storeAction, storeAlert, storeRollout, storeSource } from "../test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { writeTimelines } from "../timeline/follow.ts";
import { type Automation, defaultAutomation, getAutomation, setAutomation } from "./automation-settings.ts";
import { openByRules } from "./rules.ts";
import { findTriggers } from "./triggers.ts";

let world: IncidentWorld;
let service: { namespace: string; name: string };
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());
beforeEach(async () => {
  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
  await setRules();
});

const ago = (seconds: number) => new Date(world.now().getTime() - seconds * 1000);
const set = (value: Automation) => setAutomation(world.as("ada", "admin"), value);
type Opening = Automation["opening"];
/** As it is by default, but without a grace. */
const setRules = (changes: { [Rule in keyof Opening]?: Partial<Opening[Rule]> } = {}) => {
  const { criticalAlerts, namedAlerts, rollouts, backups } = defaultAutomation.opening;
  const opening: Opening = {
    criticalAlerts: { ...criticalAlerts, graceSeconds: 0, ...changes.criticalAlerts },
    namedAlerts: { ...namedAlerts, graceSeconds: 0, ...changes.namedAlerts },
    rollouts: { ...rollouts, ...changes.rollouts },
    backups: { ...backups, graceSeconds: 0, ...changes.backups },
  };
  return set({ ...defaultAutomation, opening });
};
/** Two controllers at once; how many incidents they opened. */
const look = async () => {
  const since = ago(86_400);
  const [a, b] = await Promise.all([openByRules(world.context, since), openByRules(world.context, since)]);
  return a + b;
};
const incidents = async () => {
  const rows = await world.db.incident.findMany({
    where: { services: { some: { service: service.name } } },
    orderBy: { number: "asc" },
    select: { id: true },
  });
  return Promise.all(rows.map(({ id }) => world.detail(id)));
};
const resolve = (id: string) =>
  commandIncident(world.context, { id, command: "resolve", body: { override: { reason: "tried in a test" } } });

describe("a critical alert", () => {
  test("opens one incident that is linked to it, begins with it, and names the first suspect", async () => {
    await storeAction(world.db, { at: ago(70), service });
    const alert = await storeAlert(world.db, { startsAt: ago(30), service });
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    const [incident] = await incidents();
    expect(incident).toMatchObject({
      title: "relay: p95 is 400 ms",
      severity: "P1",
      origin: "alert",
      openedBy: "Switchyard",
      clock: { impactStartedAt: ago(30).toISOString(), detectedAt: ago(25).toISOString() },
      links: [{ kind: "alert", targetId: alert }],
      suspects: [{ actor: "piet", verb: "image" }],
    });
    expect(incident?.timeline[0]?.message).toContain(
      `The alert RelayHighLatency (critical) fires. First suspect: image (2.0.0 → 2.1.0) by piet, 40 s before, on ${service.name} itself.`,
    );
  });

  test("joins an open incident that is as severe, and is not asked for again after that is resolved", async () => {
    const { id } = await world.report({ services: [service], severity: "P1" });
    const alert = await storeAlert(world.db, { startsAt: ago(5), service });
    expect(await look()).toBe(0);
    const joined = await world.detail(id);
    expect(joined).toMatchObject({ severity: "P1", links: [{ kind: "alert", targetId: alert, by: "Switchyard" }] });
    expect(joined.timeline.filter(({ source }) => source === `joined/alert/${alert}`)).toHaveLength(1);
    await resolve(id);
    expect(await look()).toBe(0);
    expect(await incidents()).toHaveLength(1);
  });

  test("opens its own incident beside one that people have taken as something lesser, and both lead to the other", async () => {
    const filter = { events: ["incident-opened"], severities: ["P1"], services: [] };
    const target = { name: randomUUID(), kind: "webhook", config: {}, filter, updatedByName: "ada" };
    await world.db.notificationTarget.create({ data: { ...target, createdAt: world.now(), updatedAt: world.now() } });
    const lesser = await world.report({ services: [service], severity: "P4" });
    await commandIncident(world.context, { id: lesser.id, command: "acknowledge", body: {} });
    const alert = await storeAlert(world.db, { startsAt: ago(5), service });
    expect(await look()).toBe(1);
    const [before, own] = await incidents();
    expect(own).toMatchObject({ severity: "P1", origin: "alert", escalatesAt: expect.any(String) });
    expect(own?.links).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "alert", targetId: alert }),
        expect.objectContaining({ kind: "incident", targetId: lesser.id }),
      ]),
    );
    expect(before).toMatchObject({ severity: "P4", links: [{ kind: "incident", targetId: own?.id }] });
    expect(before?.timeline.at(-1)?.message).toContain(`INC-${own?.number} (P1) was opened for the same service`);
    expect(await world.db.notification.count({ where: { eventKey: `incident/${own?.id}/opened` } })).toBe(1);
    expect(await look()).toBe(0);
  });

  test("raises what a person reported as something lesser while nobody has taken it, and people are told again in time", async () => {
    const { id } = await world.report({ services: [service], severity: "P4" });
    await storeAlert(world.db, { startsAt: ago(5), service });
    expect(await look()).toBe(0);
    const raised = await world.detail(id);
    expect(raised).toMatchObject({ severity: "P1", escalatesAt: new Date(world.now().getTime() + 300_000).toISOString() });
    const audited = await world.db.auditEntry.findFirst({ where: { targetUid: id, actorName: "Switchyard" } });
    expect(audited).toMatchObject({ verb: "change", before: { severity: "P4" }, after: { severity: "P1" } });
  });

  test("and an acknowledgement at the same time leave no acknowledged incident that escalates, and none that is swallowed", async () => {
    for (let round = 0; round < 5; round += 1) {
      const own = { ...service, name: `${service.name}-${round}` };
      const { id } = await world.report({ services: [own], severity: "P4" });
      const alert = await storeAlert(world.db, { startsAt: ago(5), service: own });
      await Promise.all([commandIncident(world.context, { id, command: "acknowledge", body: {} }), look()]);
      const { severity, clock, escalatesAt } = await world.detail(id);
      expect(clock.acknowledgedAt).not.toBeNull();
      expect(escalatesAt).toBeNull();
      const { incident } = await world.db.incidentTrigger.findUniqueOrThrow({
        where: { key: `alert/${alert}` },
        include: { incident: true },
      });
      expect(incident.severity).toBe("P1");
      expect(severity).toBe(incident.id === id ? "P1" : "P4");
    }
  });

  test("opens an incident though the timeline of a drill, or of one that was just resolved, has told of it before", async () => {
    const drill = await world.report({ services: [service], isDrill: true });
    const { id } = await world.report({ services: [service], severity: "P1", isAnother: true });
    // It began before the resolution and is received after it.
    const startsAt = ago(5);
    await resolve(id);
    const alert = await storeAlert(world.db, { startsAt, service });
    await writeTimelines(world.context);
    expect((await world.detail(id)).timeline.map(({ kind }) => kind)).toContain("alert");
    // What a drill brings about is known by its link to the drill; that keeps nothing from being real.
    const linked = await world.db.incidentLink.findMany({ where: { targetId: alert } });
    expect(linked.map(({ incidentId }) => incidentId)).toEqual([drill.id]);
    expect(await look()).toBe(1);
  });

  test("that was seen while nobody looked opens nothing until the grace has passed with somebody looking", async () => {
    await setRules({ criticalAlerts: { graceSeconds: 20 } });
    // That the controller is down, told by the time that it is up again.
    const alert = await storeAlert(world.db, { startsAt: ago(250), service });
    const since = world.now();
    expect(await openByRules(world.context, since)).toBe(0);
    world.pass(8);
    await endAlert(world.db, alert, world.now());
    world.pass(60);
    expect(await openByRules(world.context, since)).toBe(0);
    await storeAlert(world.db, { startsAt: ago(40), service });
    expect(await openByRules(world.context, since)).toBe(1);
  });

  test("that a person has linked to an incident is asked for no more", async () => {
    const alert = await storeAlert(world.db, { startsAt: ago(5), service });
    await world.report({ severity: "P4", links: [{ kind: "alert", targetId: alert }] });
    expect(await look()).toBe(0);
    expect(await incidents()).toHaveLength(0);
  });

  test("opens nothing before it has been seen to fire for the grace of its rule, however long ago it began", async () => {
    await setRules({ criticalAlerts: { graceSeconds: 30 } });
    const alert = await storeAlert(world.db, { startsAt: ago(600), service });
    await world.db.alertEpisode.update({ where: { id: alert }, data: { firstReceivedAt: ago(29) } });
    expect(await look()).toBe(0);
    world.pass(1);
    expect(await look()).toBe(1);
  });

  test("opens another incident when it fires again after the first was resolved", async () => {
    await storeAlert(world.db, { startsAt: ago(30), endsAt: null, service });
    await look();
    const [first] = await incidents();
    await resolve(first?.id ?? "");
    await storeAlert(world.db, { startsAt: ago(6), service });
    expect(await look()).toBe(1);
  });

  test("raises what a rule has opened and nobody has taken yet, and tells people so", async () => {
    const filter = { events: ["incident-severity-changed"], severities: [], services: [] };
    const target = { name: randomUUID(), kind: "webhook", config: {}, filter, updatedByName: "ada" };
    await world.db.notificationTarget.create({ data: { ...target, createdAt: world.now(), updatedAt: world.now() } });
    await storeRollout(world.db, { startedAt: ago(60), finishedAt: ago(5), state: "failed", message: "Stuck.", service });
    await look();
    expect((await incidents())[0]).toMatchObject({ severity: "P3", escalatesAt: null });
    await storeAlert(world.db, { startsAt: ago(6), service });
    await look();
    const [raised] = await incidents();
    expect(raised).toMatchObject({ severity: "P1", escalatesAt: new Date(world.now().getTime() + 300_000).toISOString() });
    expect(raised?.timeline.at(-1)).toMatchObject({ kind: "changed", message: expect.stringContaining("from P3 to P1") });
    expect(await world.db.notification.count({ where: { severity: "P1", event: "incident-severity-changed" } })).toBe(1);
  });

  test("opens nothing while it is hidden, when its severity is another, or when the rule is off", async () => {
    const hidden = await storeAlert(world.db, { startsAt: ago(5), silencedBy: ["a-silence"], service });
    await storeAlert(world.db, { startsAt: ago(5), inhibited: true, service });
    await storeAlert(world.db, { startsAt: ago(5), severity: "warning", service });
    await storeAlert(world.db, { startsAt: ago(50), endsAt: ago(5), service });
    expect(await look()).toBe(0);
    await setRules({ criticalAlerts: { isOn: false } });
    await world.db.alertEpisode.update({ where: { id: hidden }, data: { silencedBy: [] } });
    expect(await look()).toBe(0);
    await setRules();
    expect(await look()).toBe(1);
  });

  test("without a service is asked for once, also when a person takes away its link to what it joined", async () => {
    const sourceId = await storeSource(world.db, ago(60));
    const alert = { name: "Deadman", sourceId, fingerprint: randomUUID(), service: null };
    const first = await storeAlert(world.db, { ...alert, startsAt: ago(50) });
    await look();
    const { incidentId } = await world.db.incidentTrigger.findUniqueOrThrow({ where: { key: `alert/${first}` } });
    const again = await storeAlert(world.db, { ...alert, startsAt: ago(6) });
    await look();
    await world.db.incidentLink.delete({
      where: { incidentId_kind_targetId: { incidentId, kind: "alert", targetId: again } },
    });
    const { opening } = await getAutomation(world.context);
    expect(
      (await findTriggers(world.db, opening, { now: world.now(), since: ago(60) })).filter(({ link }) => link.targetId === again),
    ).toEqual([]);
  });

  test("without a service opens one incident, which its next episode joins", async () => {
    const sourceId = await storeSource(world.db, ago(60));
    const alert = { name: "Deadman", sourceId, fingerprint: randomUUID(), service: null };
    await storeAlert(world.db, { ...alert, startsAt: ago(50) });
    expect(await look()).toBe(1);
    const again = await storeAlert(world.db, { ...alert, startsAt: ago(6) });
    expect(await look()).toBe(0);
    expect(await world.db.incidentLink.count({ where: { targetId: again } })).toBe(1);
  });
});

test("a backup that failed, is late or missing opens an incident, as its alert tells, unless that is switched off", async () => {
  await setRules({ backups: { isOn: false } });
  const alert = await storeAlert(world.db, { name: "BackupStale", severity: "warning", startsAt: ago(5), service });
  expect(await look()).toBe(0);
  await setRules();
  expect(await look()).toBe(1);
  expect(await incidents()).toMatchObject([{ severity: "P3", origin: "backup", links: [{ kind: "alert", targetId: alert }] }]);
});

test("what several rules name has the highest of their severities", async () => {
  await setRules({ namedAlerts: { names: ["BackupFailed"], severity: "P2" } });
  await storeAlert(world.db, { name: "BackupFailed", severity: "warning", startsAt: ago(5), service });
  await look();
  expect(await incidents()).toMatchObject([{ severity: "P2" }]);
});

test("an alert opens an incident by its name, with the severity of that rule", async () => {
  await storeAlert(world.db, { startsAt: ago(5), severity: "warning", service });
  expect(await look()).toBe(0);
  await setRules({ namedAlerts: { names: ["RelayHighLatency"] } });
  expect(await look()).toBeGreaterThanOrEqual(1);
  expect(await incidents()).toMatchObject([{ severity: "P2", origin: "alert" }]);
});

describe("a rollout", () => {
  const ended = (given: Partial<Parameters<typeof storeRollout>[1]>) =>
    storeRollout(world.db, {
      startedAt: ago(60),
      finishedAt: ago(5),
      state: "aborted",
      message: "p95 is too high.",
      service,
      ...given,
    });

  test("that Switchyard aborted opens an incident that begins with it, once, and its retry's end joins that", async () => {
    const run = { abort: { by: "Switchyard", message: "p95 is too high.", at: ago(6).toISOString() } };
    const id = await ended({ strategy: { kind: "canary" }, run });
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    expect(await incidents()).toMatchObject([
      {
        title: `The rollout of ${service.name} to 2.1.0 was aborted`,
        severity: "P3",
        origin: "rollout",
        clock: { impactStartedAt: ago(60).toISOString(), detectedAt: ago(5).toISOString() },
        links: [{ kind: "rollout", targetId: id }],
        suspects: [{ rolloutId: id }],
      },
    ]);
    await world.db.rollout.update({ where: { id }, data: { finishedAt: ago(1) } });
    expect(await look()).toBe(0);
    const [incident] = await incidents();
    expect(incident?.timeline.filter(({ source }) => source?.startsWith("joined/rollout/"))).toHaveLength(1);
  });

  test("that failed and waits for a person opens one, too", async () => {
    const hold = { cause: "failed", message: "It does not get ready.", since: ago(3).toISOString() };
    await ended({ state: "paused", finishedAt: null, strategy: { kind: "rolling" }, run: { hold } });
    expect(await look()).toBe(1);
    expect(await incidents()).toMatchObject([{ title: `The rollout of ${service.name} to 2.1.0 failed` }]);
  });

  test("opens none where a person gave it up, it is complete, it ended long ago, or the rule is off", async () => {
    await ended({ strategy: { kind: "canary" }, run: { abort: { by: "olga", message: "", at: ago(6).toISOString() } } });
    await ended({ state: "complete" });
    await ended({ state: "failed", finishedAt: ago(3_601) });
    expect(await look()).toBe(0);
    await setRules({ rollouts: { isOn: false } });
    await ended({ state: "failed" });
    expect(await look()).toBe(0);
  });
});

test("what opens incidents is changed by administrators, audited, and seen by everybody", async () => {
  const before = await getAutomation(world.context);
  const value: Automation = { ...defaultAutomation, clearSeconds: 15 };
  await expect(setAutomation(world.context, value)).rejects.toMatchObject({ code: "not-permitted" });
  await expect(set({ ...value, clearSeconds: -1 })).rejects.toMatchObject({ code: "invalid-input" });
  await set(value);
  expect(await getAutomation(world.as("vera", "viewer"))).toEqual(value);
  const [entry] = await world.db.auditEntry.findMany({
    where: { targetName: "incidents.automation" },
    orderBy: { id: "desc" },
    take: 1,
  });
  expect(entry).toMatchObject({ actorName: "ada", before, after: value });
});

test("an incident of a drill is joined by nothing real", async () => {
  await world.report({ services: [service], isDrill: true });
  await storeAlert(world.db, { startsAt: ago(5), service });
  await look();
  expect((await incidents()).map(({ isDrill, origin }) => [isDrill, origin])).toEqual([
    [true, "person"],
    [false, "alert"],
  ]);
});

test.each<[string, { lostWrites: number; startedAfter: number; name: string }, number]>([
  ["a loss soon after one that lost nothing is real", { lostWrites: 0, startedAfter: 20, name: "ProbeLost" }, 1],
  ["a loss soon after one that lost something is its own", { lostWrites: 7, startedAfter: 20, name: "ProbeLost" }, 0],
  ["a loss that began within it is its own", { lostWrites: 0, startedAfter: -10, name: "ProbeLost" }, 0],
  ["an interruption soon after it is its own", { lostWrites: 0, startedAfter: 20, name: "ProbeErrors" }, 0],
  ["a loss long after it is real", { lostWrites: 7, startedAfter: 40, name: "ProbeLost" }, 1],
])("of what a drill brings about: %s", async (_, { lostWrites, startedAfter, name }, opened) => {
  const finishedAt = ago(60);
  const drill = await world.db.drill.create({
    data: {
      scenario: "instance",
      subject: `${service.namespace}/${service.name}`,
      namespace: service.namespace,
      service: service.name,
      settings: {},
      reason: "quarterly",
      requestedByName: "ana",
      state: "completed",
      verdict: "met",
      message: "Away for 1 s.",
      rtoObjectiveMs: 30_000,
      rpoObjectiveMs: 0,
      lostWrites,
      createdAt: ago(100),
      faultAt: ago(80),
      finishedAt,
      run: { ...firstRun(ago(100)), affected: [`${service.namespace}/${service.name}`] },
    },
  });
  const startsAt = new Date(finishedAt.getTime() + startedAfter * 1000);
  await storeAlert(world.db, { startsAt, service, name });
  expect(await look()).toBe(opened);
  const own = (await incidents()).filter(({ isDrill }) => !isDrill);
  expect(own).toHaveLength(opened);
  await world.db.drill.delete({ where: { id: drill.id } });
});
