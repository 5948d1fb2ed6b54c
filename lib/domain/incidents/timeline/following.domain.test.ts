import { afterAll, beforeAll, expect, test } from "vitest";
import { transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { changeIncident } from "../change.ts";
import { checkItem } from "../checks.ts";
import { commandIncident } from "../commands.ts";
import { getIncidentDetail } from "../detail.ts";
import { putPerson } from "../people.ts";
import { type IncidentDetail, incidentCommands, mostTimelineRows, severities, type TimelineRow } from "../schemas.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { changeTimelineRow } from "./edit.ts";
import { addNote } from "./notes.ts";
import { appendTimeline, listTimeline } from "./timeline.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

/** Writes as Switchyard does. */
function append(id: string, numbers: readonly number[]) {
  const rows = numbers.map((number) => ({
    at: new Date(world.now().getTime() + number),
    kind: "alert" as const,
    message: `Alert ${number} fires.`,
    by: "Switchyard",
    source: `alert/${number}`,
  }));
  return transact(world.context, (transaction) => appendTimeline(transaction, id, rows, { now: world.now() }));
}

type Followed = { rows: Map<string, TimelineRow>; last: IncidentDetail };

/** Follows as pages do until it is told to end; with `waitSeconds` of 0 it asks all the time and sees nearly each version. */
async function follow(id: string, waitSeconds: number, isOver: () => boolean): Promise<Followed> {
  const rows = new Map<string, TimelineRow>();
  let last = await world.detail(id);
  for (;;) {
    for (const row of last.timeline) rows.set(row.id, row);
    const isLast = isOver();
    const next = await getIncidentDetail(world.context, id, { after: last.version, waitSeconds: isLast ? 0 : waitSeconds });
    if (isLast && next.version === last.version) return { rows, last: next };
    last = next;
  }
}

test("of all that people and controllers do at once nothing is lost, written twice or untold", async () => {
  const { id } = await world.report();
  let isOver = false;
  const followers = [0, 0, 1].map((waitSeconds) => follow(id, waitSeconds, () => isOver));
  const refusals: unknown[] = [];
  const person = async (name: string, seed: number) => {
    for (let round = 0; round < 12; round += 1) {
      const number = seed * 31 + round * 7;
      const context = world.as(name);
      const acts = [
        () => addNote(context, id, { text: `Note ${round} of ${name}.` }),
        () =>
          commandIncident(context, {
            id,
            command: incidentCommands[number % 5] ?? "",
            body: number % 5 === 3 ? { override: { reason: "tried at once" } } : {},
          }),
        () => changeIncident(context, id, { severity: severities[number % 4], reason: "tried at once" }),
        () => putPerson(context, id, { name, role: number % 2 === 0 ? "commander" : "responder" }),
        () => checkItem(context, id, { item: "detect-charts", isDone: number % 2 === 0 }),
        async () => {
          const own = (await world.detail(id)).timeline.find((row) => row.kind === "note" && row.by === name);
          if (own)
            await changeTimelineRow(context, id, own.id, { text: `${own.message} Again ${round}.`, reason: "tried at once" });
        },
      ];
      await acts[round % acts.length]?.().catch((error: unknown) => refusals.push(error));
    }
  };
  const controller = async () => {
    for (let round = 0; round < 12; round += 1) await append(id, [round, round + 1, round + 2]);
  };
  await Promise.all([person("ana", 1), person("ben", 2), person("cleo", 3), controller(), controller()]);
  isOver = true;
  for (const refusal of refusals) {
    expect(refusal).toBeInstanceOf(DomainError);
    expect(refusal).toMatchObject({ code: "precondition-failed" });
  }
  const stored = await world.db.incidentEvent.findMany({ where: { incidentId: id } });
  const { version } = await world.detail(id);
  expect(stored.filter(({ source }) => source?.startsWith("alert/"))).toHaveLength(14);
  expect(Math.max(...stored.map((row) => row.version))).toBeLessThanOrEqual(version);
  for (const { rows, last } of await Promise.all(followers)) {
    expect(last).toMatchObject({ version, timelineTotal: stored.length });
    expect([...rows.values()].map(({ id: row, message }) => [row, message]).toSorted()).toEqual(
      stored.map(({ id: row, message }) => [row, message]).toSorted(),
    );
  }
  const { people, commander } = await world.detail(id);
  expect(people.filter(({ role, leftAt }) => role === "commander" && leftAt === null).map(({ name }) => name)).toEqual(
    commander === null ? [] : [commander],
  );
  // Each version is one person's audited change, or rows that a controller wrote.
  const audited = await world.db.auditEntry.count({ where: { targetUid: id } });
  const byControllers = new Set(stored.filter(({ by }) => by === "Switchyard").map((row) => row.version)).size;
  expect(audited + byControllers).toBe(version);
});

test("the same source is written once, and looking again makes no new version", async () => {
  const { id } = await world.report();
  expect(await append(id, [1, 2])).toBe(2);
  const { version } = await world.detail(id);
  expect(await append(id, [1, 2])).toBe(0);
  expect((await world.detail(id)).version).toBe(version);
  expect(await append(id, [2, 3])).toBe(1);
  expect((await world.detail(id)).version).toBe(version + 1);
});

test("a long timeline is told from its end, paged to its beginning, and costs a follower no more than what is new", async () => {
  const { id } = await world.report();
  const count = mostTimelineRows + 250;
  await append(
    id,
    Array.from({ length: count }, (_, number) => number),
  );
  const whole = await world.detail(id);
  expect(whole).toMatchObject({ after: null, timelineTotal: count + 1 });
  expect(whole.timeline).toHaveLength(mostTimelineRows);
  expect(whole.timeline.at(-1)?.message).toBe(`Alert ${count - 1} fires.`);
  await append(id, [count]);
  const next = await getIncidentDetail(world.context, id, { after: whole.version });
  expect(next).toMatchObject({ after: whole.version, timeline: [{ message: `Alert ${count} fires.` }] });
  expect(JSON.stringify(next).length).toBeLessThan(2_500);

  const pages: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listTimeline(world.context, id, { limit: "300", ...(cursor && { cursor }) });
    pages.push(...page.items.map((row) => row.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(new Set(pages).size).toBe(count + 2);
  expect(pages).toHaveLength(count + 2);
});
