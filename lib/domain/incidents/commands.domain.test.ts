import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeIncident } from "./change.ts";
import { commandIncident } from "./commands.ts";
import { getIncidentDetail } from "./detail.ts";
import type { IncidentCommand } from "./schemas.ts";
import { storeAlert } from "./test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

type CommandOptions = { by?: string; body?: object; key?: string };

function command(id: string, name: IncidentCommand, { by = "olga", body = {}, key }: CommandOptions = {}) {
  return commandIncident(world.as(by), { id, command: name, body, key });
}

const resolveAnyway = (id: string) => command(id, "resolve", { body: { override: { reason: "only a test" } } });
const audits = (id: string) => world.db.auditEntry.findMany({ where: { targetUid: id }, orderBy: { id: "asc" } });
const named = (name: string) => [{ namespace: "fleet", name }];

describe("the steps", () => {
  test("are gone through with times, people, rows of the timeline and audit entries", async () => {
    const { id } = await world.report({ severity: "P3", impactStartedAt: world.now().toISOString() });
    world.pass(60);
    await command(id, "acknowledge", { by: "mihai" });
    world.pass(60);
    await command(id, "assess", { by: "olga", body: { note: "Only writes are slow." } });
    world.pass(60);
    await command(id, "mitigate");
    world.pass(60);
    await resolveAnyway(id);
    await command(id, "document");
    const detail = await world.detail(id);
    expect(detail).toMatchObject({
      step: "done",
      version: 6,
      figures: { ttd: 0, tta: 60, ttm: 180, ttr: 240 },
      commander: "mihai",
      people: [
        { name: "mihai", role: "commander" },
        { name: "olga", role: "responder" },
      ],
      escalatesAt: null,
    });
    expect(detail.timeline.map(({ message }) => message)).toEqual([
      "Opened as P3 by olga.",
      "Acknowledged by mihai.",
      "mihai commands.",
      "Assessed by olga. Only writes are slow.",
      "olga responds.",
      "Mitigated, says olga.",
      expect.stringMatching(/^Resolved by olga\./),
      "Documented and closed by olga.",
    ]);
    expect((await audits(id)).map(({ verb, actorName, outcome }) => [verb, actorName, outcome])).toEqual([
      ["report", "olga", "succeeded"],
      ["acknowledge", "mihai", "succeeded"],
      ["assess", "olga", "succeeded"],
      ["mitigate", "olga", "succeeded"],
      ["resolve", "olga", "succeeded"],
      ["document", "olga", "succeeded"],
    ]);
  });

  test("are done once for a key, and by one of two people at once", async () => {
    const { id } = await world.report();
    const key = randomUUID();
    const [first, ...same] = await Promise.all([1, 2, 3].map(() => command(id, "acknowledge", { key })));
    expect([...same, await command(id, "acknowledge", { key })]).toEqual([first, first, first]);
    const both = await Promise.allSettled([command(id, "mitigate", { by: "ana" }), command(id, "mitigate", { by: "ben" })]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const detail = await world.detail(id);
    expect(detail.version).toBe(3);
    expect(detail.timeline.filter(({ message }) => message.startsWith("Mitigated"))).toHaveLength(1);
  });

  test("that are not possible are refused with why and leave nothing; viewers may look only", async () => {
    const { id } = await world.report();
    await expect(command(id, "document")).rejects.toMatchObject({
      code: "precondition-failed",
      message: "Nothing was done. Resolve it first.",
    });
    await expect(commandIncident(world.context, { id, command: "explode", body: {} })).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(command(randomUUID(), "acknowledge")).rejects.toMatchObject({ code: "not-found" });
    const viewer = world.as("vera", "viewer");
    await expect(commandIncident(viewer, { id, command: "acknowledge", body: {} })).rejects.toMatchObject({
      code: "not-permitted",
    });
    expect((await getIncidentDetail(viewer, id, {})).version).toBe(1);
  });

  test("take times that lie in their order only", async () => {
    const { id } = await world.report({ impactStartedAt: world.now().toISOString() });
    world.pass(600);
    const early = new Date(world.now().getTime() - 700_000).toISOString();
    await expect(command(id, "acknowledge", { body: { at: early } })).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { at: [expect.stringContaining("lies before its detection")] } },
    });
    const late = new Date(world.now().getTime() + 1_000).toISOString();
    await expect(command(id, "mitigate", { body: { at: late } })).rejects.toMatchObject({ code: "invalid-input" });
    const at = new Date(world.now().getTime() - 300_000).toISOString();
    await command(id, "mitigate", { body: { at } });
    const { clock, timeline } = await world.detail(id);
    expect(clock).toMatchObject({ acknowledgedAt: null, mitigatedAt: at });
    expect(timeline.find(({ message }) => message.startsWith("Mitigated"))).toMatchObject({
      at,
      recordedAt: world.now().toISOString(),
    });
  });
});

test.each<IncidentCommand>(["assess", "reopen", "document"])("%s sets no time, and takes none", async (name) => {
  const { id } = await world.report({ severity: "P3" });
  if (name !== "assess") await resolveAnyway(id);
  for (const at of ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]) {
    await expect(command(id, name, { body: { at } })).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { at: [expect.stringContaining("leave it out")] } },
    });
  }
  await command(id, name);
  expect((await world.detail(id)).timeline.at(-1)?.at).toBe(world.now().toISOString());
});

test("what scripts bring further nobody has acknowledged: people are told of it when it goes on", async () => {
  const script = { ...world.context, actor: { ...world.context.actor, kind: "token" as const, name: "watchdog" } };
  const { id } = await world.report({ severity: "P1" });
  await commandIncident(script, { id, command: "mitigate", body: {} });
  expect(await world.detail(id)).toMatchObject({ clock: { acknowledgedAt: null }, escalatesAt: null, commander: null });
  world.pass(60);
  await commandIncident(script, { id, command: "reopen", body: {} });
  expect(await world.detail(id)).toMatchObject({
    step: "mitigate",
    clock: { acknowledgedAt: null },
    escalatesAt: new Date(world.now().getTime() + 300_000).toISOString(),
  });
  await command(id, "acknowledge");
  expect(await world.detail(id)).toMatchObject({ step: "mitigate", figures: { tta: 60 }, escalatesAt: null, commander: "olga" });
});

test("a figure whose time nobody knows is missing, not nought", async () => {
  const { id, clock } = await world.report({ severity: "P3" });
  expect(clock).toMatchObject({ impactStartSource: "unknown", impactStartedAt: clock.detectedAt });
  world.pass(600);
  await command(id, "mitigate", { body: { at: new Date(world.now().getTime() - 60_000).toISOString() } });
  await resolveAnyway(id);
  expect((await world.detail(id)).figures).toEqual({ ttd: null, tta: null, ttm: null, ttr: null });
  const earlier = new Date(Date.parse(clock.detectedAt) - 120_000).toISOString();
  await changeIncident(world.context, id, { clock: { impactStartedAt: earlier }, reason: "users told of it" });
  expect(await world.detail(id)).toMatchObject({
    clock: { impactStartSource: "edited" },
    figures: { ttd: 120, tta: null, ttm: 660, ttr: 720 },
  });
});

test("a resolve at a time before the evidence ended needs a reason, which its row shows", async () => {
  const startsAt = world.now();
  const endsAt = new Date(startsAt.getTime() + 60_000);
  const alert = await storeAlert(world.db, { startsAt, endsAt, service: null });
  const { id } = await world.report({ severity: "P3", links: [{ kind: "alert", targetId: alert }] });
  world.pass(600);
  const resolve = (at: Date, reason?: string) =>
    command(id, "resolve", { body: { at: at.toISOString(), ...(reason && { override: { reason } }) } });
  await expect(resolve(new Date(endsAt.getTime() - 30_000))).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringContaining("RelayHighLatency ended at 2026-"),
  });
  await resolve(new Date(endsAt.getTime() - 30_000), "the alert looks back a minute");
  expect((await world.detail(id)).timeline.find(({ kind }) => kind === "step")?.message).toBe(
    "Resolved by olga. Overridden: the alert looks back a minute",
  );
});

test("a reopening takes the publication of what was learned back, which the second end needs anew", async () => {
  const { id } = await world.report({ severity: "P1" });
  await resolveAnyway(id);
  const by = { createdAt: world.now(), createdByName: "olga", updatedAt: world.now(), updatedByName: "olga" };
  await world.db.postmortem.create({ data: { incidentId: id, state: "published", ownerName: "olga", text: "# All", ...by } });
  await command(id, "reopen");
  expect(await world.detail(id)).toMatchObject({ needsPostmortem: true, step: "mitigate" });
  expect((await world.detail(id)).timeline.map(({ message }) => message)).toContainEqual(
    expect.stringContaining("is a draft again"),
  );
  await resolveAnyway(id);
  await expect(command(id, "document")).rejects.toMatchObject({ message: expect.stringContaining("Publish its postmortem") });
});

describe("an end", () => {
  test("against the evidence needs a reason, which is kept and told, and goes with a reopening", async () => {
    const { id } = await world.report({ services: named("unmeasured") });
    expect((await world.detail(id)).resolveBlockers.length).toBeGreaterThan(0);
    await expect(command(id, "resolve")).rejects.toMatchObject({
      code: "precondition-failed",
      message: expect.stringContaining("Give a reason"),
    });
    await command(id, "resolve", { body: { override: { reason: "the prober is being moved" } } });
    const resolved = await world.detail(id);
    expect(resolved).toMatchObject({ overrideReason: "the prober is being moved", resolveBlockers: [], step: "document" });
    expect(resolved.timeline.at(-2)?.message).toBe("Resolved by olga. Overridden: the prober is being moved");
    expect((await audits(id)).at(-1)).toMatchObject({ verb: "resolve", reason: "the prober is being moved" });
    await command(id, "reopen", { body: { note: "It is slow again." } });
    expect(await world.detail(id)).toMatchObject({ overrideReason: null, step: "mitigate", clock: { resolvedAt: null } });
  });

  test("with no evidence against it keeps no override", async () => {
    const startsAt = new Date(world.now().getTime() - 3_600_000);
    const alert = await storeAlert(world.db, { startsAt, endsAt: new Date(startsAt.getTime() + 60_000), service: null });
    const { id } = await world.report({ links: [{ kind: "alert", targetId: alert }] });
    await resolveAnyway(id);
    expect((await world.detail(id)).overrideReason).toBeNull();
  });

  test("of P1 and P2 is documented once the postmortem is published", async () => {
    const { id } = await world.report({ severity: "P1" });
    await resolveAnyway(id);
    await expect(command(id, "document")).rejects.toMatchObject({ message: expect.stringContaining("Publish its postmortem") });
    const by = { createdAt: world.now(), createdByName: "olga", updatedAt: world.now(), updatedByName: "olga" };
    await world.db.postmortem.create({ data: { incidentId: id, state: "published", ownerName: "olga", text: "", ...by } });
    await command(id, "document");
    expect(await world.detail(id)).toMatchObject({ step: "done", needsPostmortem: false });
  });
});

test("targets are told of the opening, a new severity, the end and that it was none, each once and as they want", async () => {
  const target = await world.db.notificationTarget.create({
    data: {
      name: "hook",
      kind: "webhook",
      config: {},
      filter: {
        events: ["incident-opened", "incident-severity-changed", "incident-resolved"],
        severities: ["P1", "P2"],
        services: ["fleet/told"],
      },
      createdAt: world.now(),
      updatedAt: world.now(),
      updatedByName: "olga",
    },
  });
  const { id, number } = await world.report({ services: [...named("told"), ...named("other-told")], severity: "P3" });
  await changeIncident(world.context, id, { severity: "P1" });
  world.pass(120);
  await command(id, "resolve", { body: { override: { reason: "tried out" } } });
  await command(id, "reopen");
  await command(id, "mitigate");
  await command(id, "reopen");
  await world.report({ services: named("untold"), severity: "P1" });
  const rows = await world.db.notification.findMany({ where: { targetId: target.id }, orderBy: { id: "asc" } });
  expect(rows.map(({ event, severity, title }) => [event, severity, title])).toEqual([
    ["incident-severity-changed", "P1", `INC-${number} is now P1, before P3: The relay is slow`],
    ["incident-resolved", "P1", `INC-${number} is resolved after 2 m: The relay is slow`],
    ["incident-opened", "P1", `P1 INC-${number} is open again: The relay is slow`],
  ]);
});
