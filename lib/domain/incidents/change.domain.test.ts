import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeIncident } from "./change.ts";
import { checkItem } from "./checks.ts";
import { commandIncident } from "./commands.ts";
import { removeLink } from "./links.ts";
import { getEscalation, setEscalation } from "./opening/escalation-settings.ts";
import { putPerson, removePerson } from "./people.ts";
import { listIncidents } from "./queries.ts";
import type { ChangeIncidentInput, IncidentChange } from "./schemas.ts";
import { storeAlert } from "./test-happenings.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";
import { addNote } from "./timeline/notes.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

const resolve = (id: string, reason: string) =>
  commandIncident(world.context, { id, command: "resolve", body: { override: { reason } } });
const audits = (id: string) => world.db.auditEntry.findMany({ where: { targetUid: id }, orderBy: { id: "asc" } });
const messagesOf = async (id: string) => (await world.detail(id)).timeline.map(({ message }) => message);
const named = (name: string) => [{ namespace: "fleet", name }];

describe("a change", () => {
  test("of the severity is told of, and lets people be told again as if it had been so from the beginning", async () => {
    const openedAt = world.now();
    const { id } = await world.report({ severity: "P3" });
    expect((await world.detail(id)).escalatesAt).toBeNull();
    world.pass(60);
    await changeIncident(world.context, id, { severity: "P1", title: "Nothing goes through", services: named("relay") });
    expect(await world.detail(id)).toMatchObject({
      severity: "P1",
      title: "Nothing goes through",
      services: named("relay"),
      escalatesAt: new Date(openedAt.getTime() + 300_000).toISOString(),
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
    const { id, clock } = await world.report({ impactStartedAt: world.now().toISOString() });
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
      before: { impactStartedAt: clock.impactStartedAt, impactStartSource: "reported" },
      after: { impactStartedAt: earlier, impactStartSource: "edited" },
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
    await resolve(id, "nothing was measured");
    await change({ clock: { mitigatedAt: now }, reason: "it was forgotten" });
    expect((await world.detail(id)).figures).toMatchObject({ ttm: 720, ttr: 720 });
  });

  test("of the severity wakes nobody for what was mitigated before anybody acknowledged it", async () => {
    const { id } = await world.report({ severity: "P2" });
    world.pass(600);
    const at = new Date(world.now().getTime() - 300_000).toISOString();
    await commandIncident(world.context, { id, command: "mitigate", body: { at } });
    await changeIncident(world.context, id, { severity: "P1" });
    expect(await world.detail(id)).toMatchObject({ clock: { acknowledgedAt: null }, escalatesAt: null });
  });

  test.each<[string, ChangeIncidentInput]>([
    ["a lower severity", { severity: "P3" }],
    ["a service less", { services: named("relay") }],
    ["that it is a drill", { isDrill: true }],
  ])("that takes weight from it needs a reason: %s", async (_, input) => {
    const { id } = await world.report({ severity: "P1", services: [...named("relay"), ...named("hub")], isAnother: true });
    await expect(changeIncident(world.context, id, input)).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { reason: [expect.stringMatching(/^Say why/)] } },
    });
    expect(await world.detail(id)).toMatchObject({
      version: 1,
      severity: "P1",
      isDrill: false,
      services: [{ name: "hub" }, { name: "relay" }],
    });
    await changeIncident(world.context, id, { ...input, reason: "it was looked at" });
    expect((await world.detail(id)).timeline.at(-1)?.message).toContain("it was looked at");
    expect((await audits(id)).at(-1)).toMatchObject({ verb: "change", reason: "it was looked at" });
  });

  test("that adds weight needs none", async () => {
    const { id } = await world.report({ severity: "P3", services: named("relay"), isDrill: true, isAnother: true });
    const services = [...named("hub"), ...named("relay")];
    await changeIncident(world.context, id, { severity: "P1", isDrill: false, services });
    expect(await world.detail(id)).toMatchObject({ severity: "P1", isDrill: false, services });
  });

  test("of the detection takes a start that nobody knows along, and says nothing of it", async () => {
    const { id, clock } = await world.report();
    const detectedAt = new Date(Date.parse(clock.detectedAt) - 60_000).toISOString();
    await changeIncident(world.context, id, { clock: { detectedAt }, reason: "the pager was first" });
    expect((await world.detail(id)).clock).toMatchObject({
      detectedAt,
      impactStartedAt: detectedAt,
      impactStartSource: "unknown",
    });
    await changeIncident(world.context, id, { clock: { impactStartedAt: detectedAt }, reason: "it was seen at once" });
    expect(await world.detail(id)).toMatchObject({ clock: { impactStartSource: "edited" }, figures: { ttd: 0 } });
    expect((await messagesOf(id)).at(-1)).toContain("which was not known");
  });
});

test("the link of an alert that still fires is taken away with a reason only", async () => {
  const alert = await storeAlert(world.db, { startsAt: world.now(), service: null });
  const link = { kind: "alert", targetId: alert };
  const { id } = await world.report({
    links: [
      { kind: "alert", targetId: alert.toUpperCase() },
      { kind: "alert", targetId: alert },
    ],
  });
  expect((await world.detail(id)).links).toHaveLength(1);
  await expect(removeLink(world.context, id, link)).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { reason: [expect.stringContaining("RelayHighLatency still fires")] } },
  });
  const key = randomUUID();
  const unlink = () => removeLink(world.context, id, link, { body: { reason: "it is about the other cluster" }, key });
  expect(await unlink()).toEqual(await unlink());
  const { links, timeline } = await world.detail(id);
  expect(links).toEqual([]);
  expect(timeline.at(-1)?.message).toBe("Took away the link to the alert RelayHighLatency. it is about the other cluster");
  expect((await audits(id)).at(-1)).toMatchObject({ verb: "unlink", reason: "it is about the other cluster" });
});

test("a request whose answer was lost is done once when it is sent again", async () => {
  const { id } = await world.report();
  const twice = async (send: (key: string) => Promise<IncidentChange>) => {
    const key = randomUUID();
    const first = await send(key);
    expect(await send(key)).toEqual(first);
  };
  await twice((key) => putPerson(world.context, id, { name: "ana", role: "responder" }, key));
  await twice((key) => removePerson(world.context, id, "ana", key));
  await twice((key) => checkItem(world.context, id, { item: "assess-logs", isDone: true }, key));
  await twice((key) => addNote(world.context, id, { text: "Seen." }, key));
  await twice((key) => changeIncident(world.context, id, { title: "Nothing goes" }, key));
  expect((await world.detail(id)).version).toBe(6);
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
  await resolve(made[0] ?? "", "only a list");
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

test("an administrator sets after how long people are told again", async () => {
  expect(await getEscalation(world.context)).toEqual({ minutes: { P1: 5, P2: 15, P3: null, P4: null } });
  const minutes = { P1: 1, P2: null, P3: 60, P4: null };
  await expect(setEscalation(world.context, { minutes })).rejects.toMatchObject({ code: "not-permitted" });
  await setEscalation(world.as("anna", "admin"), { minutes });
  const incident = await world.report({ severity: "P1" });
  expect(incident.escalatesAt).toBe(new Date(world.now().getTime() + 60_000).toISOString());
  expect((await world.report({ severity: "P2" })).escalatesAt).toBeNull();
});
