import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkItem } from "../checks.ts";
import { commandIncident } from "../commands.ts";
import { getIncidentDetail } from "../detail.ts";
import { putLink, removeLink } from "../links.ts";
import { putPerson, removePerson } from "../people.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { changeTimelineRow } from "./edit.ts";
import { addNote, postUpdate } from "./notes.ts";
import { listTimeline } from "./timeline.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

const audits = (id: string) => world.db.auditEntry.findMany({ where: { targetUid: id }, orderBy: { id: "asc" } });
const messagesOf = async (id: string) => (await world.detail(id)).timeline.map(({ message }) => message);
const named = (name: string) => [{ namespace: "fleet", name }];

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

  test("has charts of its instant with each row, also of a step and of a note on several services, wherever it is read", async () => {
    const { id } = await world.report({ services: [...named("b-hub"), ...named("a-relay")] });
    await addNote(world.context, id, { text: "Both are slow." });
    await commandIncident(world.context, { id, command: "acknowledge", body: {} });
    const { timeline } = await world.detail(id);
    expect(timeline.length).toBeGreaterThan(2);
    const paged = (await listTimeline(world.context, id, {})).items;
    for (const rows of [timeline.slice(1), paged.slice(0, -1)]) {
      for (const { href } of rows) expect(href).toContain("/fleet/fleet/a-relay?from=");
    }
  });

  test("sends updates to the targets that want them: what is for the team to nobody who asked for the other", async () => {
    const target = async (event: string) => {
      const filter = { events: [event], severities: [], services: [] };
      const row = { name: randomUUID(), kind: "webhook", config: {}, filter, updatedByName: "ada" };
      return world.db.notificationTarget.create({ data: { ...row, createdAt: world.now(), updatedAt: world.now() } });
    };
    const [team, outside] = [await target("status-update"), await target("external-update")];
    const { id } = await world.report();
    const key = randomUUID();
    await postUpdate(world.context, id, { audience: "internal", text: "It is the new image." });
    await postUpdate(world.context, id, { audience: "external", text: "We look into it." }, key);
    await postUpdate(world.context, id, { audience: "external", text: "We look into it." }, key);
    const told = async ({ id: targetId }: { id: string }) =>
      (await world.db.notification.findMany({ where: { targetId } })).map(({ payload }) => (payload as { text: string }).text);
    expect(await told(team)).toEqual(["It is the new image."]);
    expect(await told(outside)).toEqual(["We look into it."]);
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
