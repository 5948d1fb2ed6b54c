import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeIncident } from "./change.ts";
import { commandIncident } from "./commands.ts";
import { getEscalation, setEscalation } from "./opening/escalation-settings.ts";
import { listIncidents } from "./queries.ts";
import { type IncidentWorld, startIncidentWorld } from "./test-incidents.ts";

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
    await resolve(id, "nothing was measured");
    await change({ clock: { mitigatedAt: now }, reason: "it was forgotten" });
    expect((await world.detail(id)).figures).toMatchObject({ ttm: 720, ttr: 720 });
  });
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
