import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { alertContext, minutesAgo, testNow } from "../../alerts/test-alerts.ts";
import type { ConsoleContext } from "../../context.ts";
import { changePostmortem, commandPostmortem, startPostmortem } from "./commands.ts";
import { addComment, changeComment } from "./comments.ts";
import { getVersion, listVersions } from "./history.ts";
import { savePostmortem } from "./save.ts";
import { getPostmortem, getPostmortemNews } from "./stored.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let olga: ConsoleContext;
let otto: ConsoleContext;
let now = testNow;

beforeAll(async () => {
  database = await createTestDatabase();
  const parts = { panels: null, surroundings: null, usage: null } as unknown as ConsoleContext;
  olga = { ...parts, ...alertContext(database.database), clock: () => now };
  otto = { ...olga, actor: { ...olga.actor, name: "otto" } };
});
afterAll(() => database?.drop());
beforeEach(() => {
  now = testNow;
});

const minute = 60_000;
const later = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

async function makeIncident({ severity = "P1", isDrill = false, isResolved = true } = {}): Promise<string> {
  const { id } = await database.database.incident.create({
    data: {
      title: "The relay is slow",
      severity,
      step: isResolved ? "document" : "mitigate",
      origin: "alert",
      isDrill,
      openedAt: minutesAgo(19),
      openedByName: "Switchyard",
      impactStartedAt: minutesAgo(20),
      detectedAt: minutesAgo(19),
      acknowledgedAt: minutesAgo(18),
      mitigatedAt: minutesAgo(10),
      resolvedAt: isResolved ? minutesAgo(5) : null,
      services: { create: { namespace: "fleet", service: "relay" } },
      people: { create: { name: "olga", role: "commander", joinedAt: minutesAgo(18) } },
      events: {
        create: [
          {
            at: minutesAgo(21),
            recordedAt: now,
            kind: "rollout",
            message: "Rollout to 2.1.0 | slow",
            by: "otto",
            namespace: "fleet",
            service: "relay",
          },
          {
            at: minutesAgo(12),
            recordedAt: now,
            kind: "action",
            message: "Rolled back",
            by: "olga",
            namespace: "fleet",
            service: "relay",
          },
        ],
      },
    },
  });
  return id;
}

async function makePostmortem(options?: Parameters<typeof makeIncident>[0]): Promise<string> {
  const id = await makeIncident(options);
  await startPostmortem(olga, { id, body: undefined });
  return id;
}

const read = async (id: string) => {
  const { postmortem } = await getPostmortem(olga, id);
  if (!postmortem) throw new Error("there is no postmortem");
  return postmortem;
};
const save = (context: ConsoleContext, id: string, version: number, text: string, saveId: string = randomUUID()) =>
  savePostmortem(context, id, { version, text, saveId });
const makeItem = (incidentId: string) =>
  database.database.actionItem.create({
    data: {
      incidentId,
      title: "Test it",
      type: "prevent",
      ownerName: "olga",
      dueOn: now,
      state: "open",
      isWatched: true,
      createdAt: now,
      createdByName: "olga",
    },
  });

describe("a draft", () => {
  test("tells what is known, once, and is written into the incident's timeline", async () => {
    const id = await makePostmortem();
    await startPostmortem(otto, { id, body: { owner: "otto" } });
    const { state, owner, text, version, impact } = await read(id);
    expect({ state, owner, version }).toEqual({ state: "draft", owner: "olga", version: 1 });
    expect(text).toContain("Rollout to 2.1.0 \\| slow | otto");
    expect(text).toContain("1 m before: [Rollout to 2.1.0 | slow](/fleet/fleet/relay?from=");
    expect(text).toContain("TTM 10 m");
    expect(impact).toMatchObject({ until: "mitigated", problem: "No Prometheus is connected: nothing was measured." });
    const events = await database.database.incidentEvent.findMany({ where: { incidentId: id, kind: "changed" } });
    expect(events.map(({ message, version: under }) => [message, under])).toEqual([["olga drafted the postmortem.", 1]]);
  });

  test("is required of P1 and P2 that are no drill", async () => {
    const isRequired = async (options: Parameters<typeof makeIncident>[0]) =>
      (await getPostmortem(olga, await makeIncident(options))).isRequired;
    expect(await isRequired({ severity: "P2" })).toBe(true);
    expect(await isRequired({ severity: "P3" })).toBe(false);
    expect(await isRequired({ isDrill: true })).toBe(false);
  });

  test("is an operator's; a viewer reads it", async () => {
    const viewer = { ...olga, actor: { ...olga.actor, role: "viewer" as const } };
    const id = await makePostmortem();
    await expect(startPostmortem(viewer, { id, body: {} })).rejects.toThrow("this needs the role operator");
    await expect(save(viewer, id, 1, "mine")).rejects.toThrow("this needs the role operator");
    expect((await getPostmortem(viewer, id)).postmortem?.version).toBe(1);
  });
});

test("its text is told anew only when it is another than the one of the version that is held", async () => {
  const id = await makePostmortem();
  const textOf = async (after?: string) => (await getPostmortemNews(olga, id, { after })).postmortem?.text;
  expect(await textOf("1")).toBeNull();
  expect(await textOf()).toContain("# INC-");
  await save(otto, id, 1, "his");
  expect(await textOf("1")).toBe("his");
});

describe("a save", () => {
  test("is refused over a newer text, and tells who wrote that", async () => {
    const id = await makePostmortem();
    expect(await save(otto, id, 1, "his")).toEqual({ version: 2 });
    await expect(save(olga, id, 1, "hers")).rejects.toMatchObject({
      code: "stale",
      message: "otto has changed the text meanwhile. Read it anew and join both.",
      details: { changed: [{ field: "version", seen: "1", now: "2" }] },
    });
    expect((await read(id)).text).toBe("his");
  });

  test("whose answer was lost is done once, also when another one came after it", async () => {
    const id = await makePostmortem();
    const saveId = randomUUID();
    expect(await save(olga, id, 1, "first", saveId)).toEqual({ version: 2 });
    await save(otto, id, 2, "first, and his");
    expect(await save(olga, id, 1, "first", saveId)).toEqual({ version: 2 });
    expect(await read(id)).toMatchObject({ text: "first, and his", version: 3 });
  });

  test("of two at the same time only one is done", async () => {
    const id = await makePostmortem();
    const results = await Promise.allSettled([save(olga, id, 1, "hers"), save(otto, id, 1, "his")]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect((await read(id)).version).toBe(2);
  });

  test("is one version of the history with those of the same person just before it", async () => {
    const id = await makePostmortem();
    for (const [version, text] of ["a", "ab", "abc"].entries()) {
      later(minute);
      await save(olga, id, version + 1, text);
    }
    later(3 * minute);
    await save(olga, id, 4, "abcd");
    await save(otto, id, 5, "his");
    const { items } = await listVersions(olga, id);
    expect(items.map(({ version, by, mark }) => [version, by, mark])).toEqual([
      [6, "otto", null],
      [5, "olga", null],
      [4, "olga", null],
      [1, "olga", "drafted"],
    ]);
    expect(await getVersion(olga, { id, version: "4" })).toEqual({ version: 4, text: "abc" });
    await expect(getVersion(olga, { id, version: "3" })).rejects.toMatchObject({ code: "not-found" });
    const writes = await database.database.auditEntry.count({ where: { targetUid: id, verb: "write" } });
    expect(writes).toBe(3);
  });
});

describe("publishing", () => {
  test("waits for what is missing, and an override says why not", async () => {
    const id = await makePostmortem({ isResolved: false });
    await addComment(otto, id, { text: "Really?" });
    const { gaps, commands } = await read(id);
    expect(gaps.map((gap) => gap.id)).toEqual(["unresolved", "unwritten", "no-items", "comments"]);
    expect(commands.publish).toContain("Still to be written: Summary, What happened");
    const publish = (body: object) => commandPostmortem(olga, { id, command: "publish", body });
    await expect(publish({})).rejects.toThrow("Publish it all the same with an override and a reason.");
    expect((await publish({ override: { reason: "the auditor waits" } })).message).toBe(
      "olga published the postmortem. Overridden: the auditor waits",
    );
    expect(await database.database.incident.findUnique({ where: { id } })).toMatchObject({ step: "mitigate", documentedAt: now });
  });

  test("documents a resolved incident, and closes the text until it is reopened with a reason", async () => {
    const filter = { events: ["postmortem-published"], severities: [], services: [] };
    const target = await database.database.notificationTarget.create({
      data: { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" },
    });
    const id = await makePostmortem();
    await save(olga, id, 1, "# All is written");
    await makeItem(id);
    await commandPostmortem(olga, { id, command: "review", body: undefined });
    await commandPostmortem(otto, { id, command: "publish", body: undefined });
    expect(await database.database.notification.findMany({ where: { targetId: target.id } })).toMatchObject([
      { event: "postmortem-published", title: expect.stringMatching(/^The postmortem of INC-\d+ is published/) },
    ]);
    expect(await read(id)).toMatchObject({ state: "published", reviewBy: "olga", publishedBy: "otto", gaps: [] });
    expect(await database.database.incident.findUnique({ where: { id } })).toMatchObject({ step: "done", documentedAt: now });
    await expect(save(olga, id, 4, "more")).rejects.toThrow("reopen it, with a reason");
    const reopen = (body: object) => commandPostmortem(olga, { id, command: "reopen", body });
    await expect(reopen({})).rejects.toThrow("Say why it is reopened.");
    await reopen({ reason: "a cause was overlooked" });
    expect(await save(olga, id, 5, "more")).toEqual({ version: 6 });
    const { items } = await listVersions(olga, id);
    expect(items.map(({ mark }) => mark)).toEqual([null, "reopened", "published", "review", null, "drafted"]);
  });
});

describe("a comment", () => {
  test("is changed by who wrote it and settled by anybody", async () => {
    const id = await makePostmortem();
    const comment = await addComment(otto, id, { text: "Why so late?", quote: "TTD 1 m" });
    const change = (context: ConsoleContext, input: object) => changeComment(context, { id, commentId: comment.id }, input);
    await expect(change(olga, { text: "No." })).rejects.toThrow("Only otto changes the words of this comment.");
    await change(otto, { text: "Why?" });
    expect(await change(olga, { isSettled: true })).toMatchObject({ text: "Why?", quote: "TTD 1 m", settledBy: "olga" });
    expect((await change(olga, { isSettled: false })).settledAt).toBeNull();
    expect(await database.database.auditEntry.count({ where: { targetUid: id, verb: "change-comment" } })).toBe(3);
  });
});

test("its owner changes, audited", async () => {
  const id = await makePostmortem();
  expect((await changePostmortem(otto, id, { owner: "otto" })).owner).toBe("otto");
  expect(await database.database.auditEntry.findFirst({ where: { targetUid: id, verb: "update" } })).toMatchObject({
    targetKind: "postmortem",
    before: { owner: "olga" },
    after: { owner: "otto" },
  });
});
