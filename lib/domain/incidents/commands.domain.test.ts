import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeIncident } from "./change.ts";
import { checkItem } from "./checks.ts";
import { commandIncident } from "./commands.ts";
import { getIncidentDetail } from "./detail.ts";
import { getEscalation, setEscalation } from "./escalation-settings.ts";
import { putLink, removeLink } from "./links.ts";
import { addNote, postUpdate } from "./notes.ts";
import { putPerson, removePerson } from "./people.ts";
import { listIncidents } from "./queries.ts";
import type { IncidentCommand } from "./schemas.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";
import { changeTimelineRow } from "./timeline-edit.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

type CommandOptions = { by?: string; body?: object; key?: string };

function command(id: string, name: IncidentCommand, { by = "olga", body = {}, key }: CommandOptions = {}) {
  return commandIncident(world.as(by), { id, command: name, body, key });
}

const audits = (id: string) => world.db.auditEntry.findMany({ where: { targetUid: id }, orderBy: { id: "asc" } });
const messagesOf = async (id: string) => (await world.detail(id)).timeline.map(({ message }) => message);
const named = (name: string) => [{ namespace: "fleet", name }];

describe("the steps", () => {
  test("are gone through with times, people, rows of the timeline and audit entries", async () => {
    const { id } = await world.report({ severity: "P3" });
    world.pass(60);
    await command(id, "acknowledge", { by: "mihai" });
    world.pass(60);
    await command(id, "assess", { by: "olga", body: { note: "Only writes are slow." } });
    world.pass(60);
    await command(id, "mitigate");
    world.pass(60);
    await command(id, "resolve");
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
      "Resolved by olga.",
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
    expect(clock).toMatchObject({ acknowledgedAt: at, mitigatedAt: at });
    expect(timeline.find(({ message }) => message.startsWith("Mitigated"))).toMatchObject({
      at,
      recordedAt: world.now().toISOString(),
    });
  });
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
    const { id } = await world.report();
    await command(id, "resolve", { body: { override: { reason: "just in case" } } });
    expect((await world.detail(id)).overrideReason).toBeNull();
  });

  test("of P1 and P2 is documented once the postmortem is published", async () => {
    const { id } = await world.report({ severity: "P1" });
    await command(id, "resolve");
    await expect(command(id, "document")).rejects.toMatchObject({ message: expect.stringContaining("Publish its postmortem") });
    const by = { createdAt: world.now(), createdByName: "olga", updatedAt: world.now(), updatedByName: "olga" };
    await world.db.postmortem.create({ data: { incidentId: id, state: "published", ownerName: "olga", text: "", ...by } });
    await command(id, "document");
    expect(await world.detail(id)).toMatchObject({ step: "done", needsPostmortem: false });
  });
});

describe("a change", () => {
  test("of the severity is told of, and lets people be told again from then on", async () => {
    const { id } = await world.report({ severity: "P3" });
    expect((await world.detail(id)).escalatesAt).toBeNull();
    world.pass(60);
    await changeIncident(world.context, id, { severity: "P1", title: "Nothing goes through", services: named("relay") });
    expect(await world.detail(id)).toMatchObject({
      severity: "P1",
      title: "Nothing goes through",
      services: named("relay"),
      escalatesAt: new Date(world.now().getTime() + 300_000).toISOString(),
    });
    expect((await messagesOf(id)).slice(1)).toEqual([
      "Called “Nothing goes through”, before “The relay is slow”.",
      "Raised from P3 to P1.",
      "It concerns fleet/relay, before no service.",
    ]);
    expect((await audits(id)).at(-1)).toMatchObject({ verb: "change", before: { severity: "P3" }, after: { severity: "P1" } });
    const { version } = await world.detail(id);
    expect(await changeIncident(world.context, id, { severity: "P1" })).toMatchObject({
      version,
      message: expect.stringContaining("Nothing differs"),
    });
  });

  test("of a time needs a reason and an order, and is for times that there are", async () => {
    const { id, clock } = await world.report();
    world.pass(600);
    const earlier = new Date(Date.parse(clock.impactStartedAt) - 120_000).toISOString();
    const change = (input: object) => changeIncident(world.context, id, input);
    await expect(change({ clock: { impactStartedAt: earlier } })).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { reason: ["Say why the time is another one."] } },
    });
    await change({ clock: { impactStartedAt: earlier }, reason: "users told of it before" });
    expect(await world.detail(id)).toMatchObject({ figures: { ttd: 120 }, clock: { impactStartedAt: earlier } });
    expect((await audits(id)).at(-1)).toMatchObject({
      before: { impactStartedAt: clock.impactStartedAt },
      after: { impactStartedAt: earlier },
      reason: "users told of it before",
    });
    const now = world.now().toISOString();
    for (const name of ["acknowledgedAt", "mitigatedAt", "resolvedAt"]) {
      await expect(change({ clock: { [name]: now }, reason: "too early" })).rejects.toMatchObject({
        details: { fields: { [`clock.${name}`]: [expect.stringContaining("yet")] } },
      });
    }
    await expect(
      change({ clock: { detectedAt: new Date(Date.parse(earlier) - 1).toISOString() }, reason: "out of order" }),
    ).rejects.toMatchObject({ details: { fields: { "clock.detectedAt": [expect.stringContaining("lies before")] } } });
    await command(id, "resolve");
    await change({ clock: { mitigatedAt: now }, reason: "it was forgotten" });
    expect((await world.detail(id)).figures).toMatchObject({ ttm: 720, ttr: 720 });
  });
});

describe("the timeline", () => {
  test("has people's notes and updates in the order of their times", async () => {
    const { id } = await world.report({ services: named("noted") });
    world.pass(120);
    const at = new Date(world.now().getTime() - 180_000).toISOString();
    await addNote(world.context, id, { text: "A user asked **before** that.", at });
    const key = randomUUID();
    await postUpdate(world.context, id, { audience: "external", text: "We look into it." }, key);
    await postUpdate(world.context, id, { audience: "external", text: "We look into it." }, key);
    const { timeline } = await world.detail(id);
    expect(timeline.map(({ kind, audience }) => [kind, audience])).toEqual([
      ["note", null],
      ["opened", null],
      ["update", "external"],
    ]);
    expect(timeline[0]).toMatchObject({
      at,
      by: "olga",
      source: null,
      href: expect.stringContaining("/fleet/fleet/noted?from="),
    });
  });

  test("is corrected with a reason; what it was stays in the audit, and what Switchyard wrote keeps its words", async () => {
    const { id } = await world.report();
    await addNote(world.context, id, { text: "It was the datbase." });
    const [opened, note] = (await world.detail(id)).timeline;
    const change = (eventId: string | undefined, input: object) => changeTimelineRow(world.as("mihai"), id, eventId ?? "", input);
    await change(note?.id, { text: "It was the database.", reason: "a slip" });
    expect((await world.detail(id)).timeline[1]).toMatchObject({ message: "It was the database.", editedBy: "mihai" });
    expect((await audits(id)).at(-1)).toMatchObject({
      verb: "change-timeline",
      before: { row: note?.id, message: "It was the datbase." },
      after: { message: "It was the database." },
      reason: "a slip",
    });
    await expect(change(opened?.id, { text: "Nothing happened.", reason: "wish" })).rejects.toMatchObject({
      code: "invalid-input",
    });
    await expect(change(note?.id, { isHidden: true })).rejects.toMatchObject({ code: "invalid-input" });
    await change(opened?.id, { isHidden: true, reason: "not of interest" });
    expect((await world.detail(id)).timeline[0]).toMatchObject({ isHidden: true, message: "Opened as P2 by olga." });
    const other = await world.report();
    await expect(
      changeTimelineRow(world.context, other.id, note?.id ?? "", { isHidden: true, reason: "not its" }),
    ).rejects.toMatchObject({ code: "not-found" });
  });

  test("is told to who follows it row by row, also what is corrected", async () => {
    const { id } = await world.report();
    const first = await world.detail(id);
    const next = getIncidentDetail(world.context, id, { after: String(first.version), waitSeconds: "30" });
    await addNote(world.context, id, { text: "One." });
    expect(await next).toMatchObject({ version: 2, after: 1, timelineTotal: 2, timeline: [{ message: "One." }] });
    const rowId = (await next).timeline[0]?.id ?? "";
    await changeTimelineRow(world.context, id, rowId, { text: "Two.", reason: "counted again" });
    const corrected = await getIncidentDetail(world.context, id, { after: 2 });
    expect(corrected.timeline).toMatchObject([{ id: rowId, message: "Two." }]);
    expect(await getIncidentDetail(world.context, id, { after: 3 })).toMatchObject({ after: 3, timeline: [] });
    expect(await getIncidentDetail(world.context, id, { after: 99, waitSeconds: 30 })).toMatchObject({
      after: null,
      timeline: [{ message: "Opened as P2 by olga." }, { message: "Two." }],
    });
  });
});

test("one person commands at a time, and who has left may come back", async () => {
  const { id } = await world.report();
  await putPerson(world.context, id, { name: "ana", role: "commander" });
  await putPerson(world.context, id, { name: "ben", role: "commander" });
  expect(await world.detail(id)).toMatchObject({
    commander: "ben",
    people: [{ name: "ana", role: "responder" }, { name: "ben" }],
  });
  await removePerson(world.context, id, "ben");
  expect(await world.detail(id)).toMatchObject({ commander: null });
  await putPerson(world.context, id, { name: "ben", role: "responder" });
  const { people } = await world.detail(id);
  expect(people.find(({ name }) => name === "ben")).toMatchObject({ role: "responder", leftAt: null });
  expect((await messagesOf(id)).slice(1)).toEqual([
    "ana commands.",
    "ben commands, after ana.",
    "ben has left: nobody commands now.",
    "ben responds.",
  ]);
  await expect(removePerson(world.context, id, "nobody")).rejects.toMatchObject({ code: "not-found" });
});

test("incidents are linked to each other, once, and seen from both", async () => {
  const [one, other] = [await world.report(), await world.report()];
  const link = { kind: "incident", targetId: other.id } as const;
  await putLink(world.context, one.id, link);
  expect(await putLink(world.context, one.id, link)).toMatchObject({ message: "It is linked already." });
  expect((await world.detail(one.id)).links).toMatchObject([
    { title: `INC-${other.number} The relay is slow`, href: `/incidents/${other.id}` },
  ]);
  expect((await world.detail(other.id)).links).toMatchObject([
    { title: `INC-${one.number} The relay is slow`, href: `/incidents/${one.id}` },
  ]);
  await expect(putLink(world.context, one.id, { kind: "incident", targetId: one.id })).rejects.toMatchObject({
    code: "invalid-input",
  });
  await expect(putLink(world.context, one.id, { kind: "backup", targetId: randomUUID() })).rejects.toMatchObject({
    code: "invalid-input",
  });
  await removeLink(world.context, one.id, link);
  expect((await world.detail(other.id)).links).toEqual([]);
  await expect(removeLink(world.context, one.id, link)).rejects.toMatchObject({ code: "not-found" });
  await putLink(world.context, one.id, link);
  await removeLink(world.context, other.id, { kind: "incident", targetId: one.id });
  expect((await world.detail(one.id)).links).toEqual([]);
});

test("lines of the checklist are ticked with who and when", async () => {
  const { id } = await world.report();
  await checkItem(world.context, id, { item: "assess-changes", isDone: true });
  const again = await checkItem(world.as("mihai"), id, { item: "assess-changes", isDone: true });
  expect(again).toMatchObject({ version: 2, message: "It is ticked already." });
  expect((await world.detail(id)).checks).toMatchObject([{ item: "assess-changes", by: "olga" }]);
  await checkItem(world.context, id, { item: "assess-changes", isDone: false });
  expect((await world.detail(id)).checks).toEqual([]);
  await expect(checkItem(world.context, id, { item: "coffee", isDone: true })).rejects.toMatchObject({ code: "invalid-input" });
});

test("a list is filtered, searched and paged without a gap or a doubling", async () => {
  const made: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    // Two at a time begin at the same instant.
    if (index % 2 === 0) world.pass(10);
    const { id } = await world.report({
      title: `Listed ${index}`,
      services: named("listed"),
      isAnother: true,
      isDrill: index === 6,
    });
    made.push(id);
  }
  await command(made[0] ?? "", "resolve", { body: { override: { reason: "only a list" } } });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listIncidents(world.context, { service: "listed", limit: "2", ...(cursor && { cursor }) });
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen.toSorted()).toEqual(made.toSorted());
  const titles = async (filter: object) =>
    (await listIncidents(world.context, { service: "listed", ...filter })).items.map(({ title }) => title).toSorted();
  expect(await titles({ state: "resolved" })).toEqual(["Listed 0"]);
  expect(await titles({ state: "open", drills: "without" })).toEqual([
    "Listed 1",
    "Listed 2",
    "Listed 3",
    "Listed 4",
    "Listed 5",
  ]);
  expect(await titles({ drills: "only" })).toEqual(["Listed 6"]);
  expect(await titles({ search: "LISTED 3" })).toEqual(["Listed 3"]);
  const { number } = await world.detail(made[4] ?? "");
  expect(await titles({ search: `inc-${number}` })).toEqual(["Listed 4"]);
  expect(await titles({ namespace: "elsewhere" })).toEqual([]);
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

test("an administrator sets after how long people are told again", async () => {
  expect(await getEscalation(world.context)).toEqual({ minutes: { P1: 5, P2: 15, P3: null, P4: null } });
  const minutes = { P1: 1, P2: null, P3: 60, P4: null };
  await expect(setEscalation(world.context, { minutes })).rejects.toMatchObject({ code: "not-permitted" });
  await setEscalation(world.as("anna", "admin"), { minutes });
  const incident = await world.report({ severity: "P1" });
  expect(incident.escalatesAt).toBe(new Date(world.now().getTime() + 60_000).toISOString());
  expect((await world.report({ severity: "P2" })).escalatesAt).toBeNull();
});
