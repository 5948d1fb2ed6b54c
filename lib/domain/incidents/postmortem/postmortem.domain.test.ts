import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { alertContext, minutesAgo, testNow } from "../../alerts/test-alerts.ts";
import type { ConsoleContext } from "../../context.ts";
import { transact } from "../../context.ts";
import { changePostmortem, commandPostmortem, startPostmortem } from "./commands.ts";
import { addComment, changeComment, removeComment } from "./comments.ts";
import { getPostmortemFacts } from "./facts.ts";
import { getVersion, listVersions } from "./history.ts";
import { listPostmortems } from "./list.ts";
import { reopenPostmortem } from "./reopen.ts";
import { savePostmortem } from "./save.ts";
import { getPostmortem, getPostmortemNews } from "./stored.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let olga: ConsoleContext;
let otto: ConsoleContext;
let ada: ConsoleContext;
let now = testNow;

beforeAll(async () => {
  database = await createTestDatabase();
  const parts = { panels: null, surroundings: null, usage: null } as unknown as ConsoleContext;
  olga = { ...parts, ...alertContext(database.database), clock: () => now };
  otto = { ...olga, actor: { ...olga.actor, id: randomUUID(), name: "otto" } };
  ada = { ...olga, actor: { ...olga.actor, name: "ada", role: "admin" } };
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
    const { state, owner, text, version } = await read(id);
    expect({ state, owner, version }).toEqual({ state: "draft", owner: "olga", version: 1 });
    expect(text).toContain("UTC, when it was mitigated.");
    expect(text).toContain("[Rolled back](/fleet/fleet/relay?from=");
    expect((await getPostmortemFacts(olga, id)).impact).toMatchObject({
      until: "mitigated",
      problem: "No Prometheus is connected: nothing was measured.",
    });
    const events = await database.database.incidentEvent.findMany({ where: { incidentId: id, kind: "changed" } });
    expect(events.map(({ message, version: under }) => [message, under])).toEqual([["olga drafted the postmortem.", 1]]);
  });

  test("can be saved again as it is, whatever the incident's timeline holds", async () => {
    const id = await makeIncident();
    await database.database.incidentEvent.createMany({
      data: Array.from({ length: 1_200 }, () => ({
        incidentId: id,
        at: minutesAgo(15),
        recordedAt: now,
        kind: "note",
        message: "word ".repeat(100),
        by: "olga",
      })),
    });
    await startPostmortem(olga, { id, body: undefined });
    const { text } = await read(id);
    expect(await save(olga, id, 1, `${text}more`)).toEqual({ version: 2 });
    expect(await getPostmortemFacts(olga, id)).toMatchObject({ timelineTotal: 1_203, timeline: { length: 1_000 } });
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
  expect(await textOf()).toContain("## Summary");
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

  test("of a page whose person has signed out is none in the name of the next", async () => {
    const id = await makePostmortem();
    const typedBy = (authorId: string) => savePostmortem(ana, id, { version: 1, text: "new", saveId: randomUUID(), authorId });
    const ana = { ...olga, actor: { ...olga.actor, id: randomUUID(), name: "ana" } };
    await expect(typedBy(randomUUID())).rejects.toThrow("You are signed in as ana by now");
    expect((await read(id)).version).toBe(1);
    expect(await typedBy(ana.actor.id)).toEqual({ version: 2 });
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

const command = (context: ConsoleContext, id: string, name: string, body: object = {}) =>
  commandPostmortem(context, { id, command: name, body });
const incidentOf = (id: string) => database.database.incident.findUniqueOrThrow({ where: { id } });

/** A postmortem that lacks nothing but an approval. */
async function makeWritten(options?: Parameters<typeof makeIncident>[0]): Promise<string> {
  const id = await makePostmortem(options);
  await save(olga, id, 1, "# All is written");
  await makeItem(id);
  return id;
}

describe("a review", () => {
  test("ends with the approval of a person who neither owns nor wrote it", async () => {
    const id = await makeWritten();
    await expect(command(otto, id, "approve")).rejects.toThrow("Nobody has asked for a review of it.");
    expect((await command(otto, id, "review", { reviewer: "eve" })).message).toBe(
      "otto asked eve for a review of the postmortem.",
    );
    expect(await read(id)).toMatchObject({ state: "review", reviewBy: "otto", reviewer: "eve", approval: null });
    await expect(command(olga, id, "approve")).rejects.toThrow("You own it");
    await expect(command(otto, id, "approve")).rejects.toThrow("You asked for this review");
    await changePostmortem(otto, id, { owner: "otto" });
    await expect(command(olga, id, "approve")).rejects.toThrow("You wrote the text");
    const token = { ...ada, actor: { ...ada.actor, kind: "token" as const } };
    await expect(command(token, id, "approve")).rejects.toThrow("Only a person approves");
    await command(ada, id, "approve");
    expect(await read(id)).toMatchObject({ approval: { by: "ada", version: 4 }, version: 4, gaps: [] });
  });

  test("is of the text that was read: a later one is not approved, and who mends a word in it may approve it", async () => {
    const id = await makeWritten();
    await command(olga, id, "review");
    await save(otto, id, 3, "# All is well written");
    await command(otto, id, "approve");
    await save(olga, id, 5, "# All is not written");
    const { gaps } = await read(id);
    expect(gaps).toEqual([{ id: "approval", message: "The text was changed after otto approved it." }]);
    await expect(command(olga, id, "publish")).rejects.toThrow("The text was changed after otto approved it.");
  });

  test("gives it back with a word on why", async () => {
    const id = await makeWritten();
    await command(olga, id, "review");
    await expect(command(otto, id, "return")).rejects.toThrow("Say what is still to be done.");
    await command(otto, id, "return", { reason: "the cause is missing" });
    expect(await read(id)).toMatchObject({ state: "draft", reviewBy: null, approval: null });
  });
});

describe("publishing", () => {
  test("waits for what is missing, and an administrator's override says why not", async () => {
    const id = await makePostmortem();
    await addComment(otto, { id, body: { text: "Really?" } });
    const { gaps, commands } = await read(id);
    expect(gaps.map((gap) => gap.id)).toEqual(["unwritten", "no-items", "comments", "approval"]);
    expect(commands.publish).toContain("Still to be written: Summary, What happened");
    const override = { reason: "the auditor waits" };
    await expect(command(olga, id, "publish")).rejects.toThrow("An administrator publishes it all the same");
    await expect(command(olga, id, "publish", { override })).rejects.toMatchObject({ code: "not-permitted" });
    expect((await command(ada, id, "publish", { override })).message).toBe(
      "ada published the postmortem. Overridden: the auditor waits",
    );
    expect(await read(id)).toMatchObject({ state: "published", overrideReason: "the auditor waits" });
  });

  test("waits for the end of the incident, whoever overrides it", async () => {
    const id = await makePostmortem({ isResolved: false });
    const publish = command(ada, id, "publish", { override: { reason: "the auditor waits" } });
    await expect(publish).rejects.toThrow("The incident is not resolved yet.");
    expect(await incidentOf(id)).toMatchObject({ step: "mitigate", documentedAt: null });
  });

  test("documents a resolved incident, and closes the text until it is reopened with a reason", async () => {
    const filter = { events: ["postmortem-published"], severities: [], services: [] };
    const target = await database.database.notificationTarget.create({
      data: { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" },
    });
    const id = await makeWritten();
    await command(olga, id, "review");
    await command(otto, id, "approve");
    await command(otto, id, "publish");
    expect(await database.database.notification.findMany({ where: { targetId: target.id } })).toMatchObject([
      { event: "postmortem-published", title: expect.stringMatching(/^The postmortem of INC-\d+ is published/) },
    ]);
    expect(await read(id)).toMatchObject({ state: "published", reviewBy: "olga", publishedBy: "otto", gaps: [] });
    expect(await incidentOf(id)).toMatchObject({ step: "done", documentedAt: now });
    await expect(save(olga, id, 5, "more")).rejects.toThrow("reopen it, with a reason");
    await expect(command(olga, id, "reopen")).rejects.toThrow("Say why it is reopened.");
    await command(olga, id, "reopen", { reason: "a cause was overlooked" });
    expect(await incidentOf(id)).toMatchObject({ step: "document", documentedAt: null });
    expect(await read(id)).toMatchObject({ approval: null, reviewAt: null, overrideReason: null });
    expect(await save(olga, id, 6, "more")).toEqual({ version: 7 });
    const { items } = await listVersions(olga, id);
    expect(items.map(({ mark }) => mark)).toEqual([null, "reopened", "published", "approved", "review", null, "drafted"]);
  });

  test("keeps the facts as they are then, until it is reopened", async () => {
    const id = await makeWritten({ severity: "P3" });
    await command(olga, id, "publish");
    await database.database.incident.update({ where: { id }, data: { title: "Another", overrideReason: "later" } });
    expect(await getPostmortemFacts(olga, id)).toMatchObject({
      isFrozen: true,
      title: "The relay is slow",
      overrideReason: null,
    });
    await command(olga, id, "reopen", { reason: "a cause was overlooked" });
    expect(await getPostmortemFacts(olga, id)).toMatchObject({ isFrozen: false, title: "Another", overrideReason: "later" });
  });

  test("is taken back with the end of the incident", async () => {
    const id = await makeWritten({ severity: "P3" });
    await command(olga, id, "publish");
    const rows = await transact(olga, (transaction) => reopenPostmortem(transaction, olga, id, now));
    expect(rows.map(({ message }) => message)).toEqual([
      "The postmortem, which was published, is a draft again, as the incident is reopened.",
    ]);
    expect(await read(id)).toMatchObject({ state: "draft", version: 4, publishedAt: null });
    expect(await transact(olga, (transaction) => reopenPostmortem(transaction, olga, id, now))).toEqual([]);
  });
});

test("they are listed by state, with the incidents that lack one", async () => {
  await database.database.incident.deleteMany();
  const missing = await makeIncident();
  await makeIncident({ severity: "P3" });
  await makeIncident({ isResolved: false });
  const draft = await makePostmortem({ severity: "P3" });
  const published = await makeWritten({ severity: "P3" });
  await command(olga, published, "publish");
  const list = async (input: object) =>
    (await listPostmortems(olga, input)).items.map(({ incident: { id }, state }) => [id, state]);
  expect(await list({ state: "missing" })).toEqual([[missing, "missing"]]);
  expect((await list({})).toSorted()).toEqual(
    [
      [missing, "missing"],
      [draft, "draft"],
    ].toSorted(),
  );
  expect(await list({ state: "published" })).toEqual([[published, "published"]]);
  expect(await list({ state: "all", owner: "olga", limit: 1 })).toHaveLength(1);
  const { items, nextCursor } = await listPostmortems(olga, { state: "all", limit: 2 });
  const rest = await listPostmortems(olga, { state: "all", limit: 2, cursor: nextCursor });
  expect([...items, ...rest.items].map(({ incident: { id } }) => id).toSorted()).toEqual([missing, draft, published].toSorted());
  expect([...items, ...rest.items].find(({ incident: { id } }) => id === published)?.items).toEqual({ open: 1, all: 1 });
});

describe("a comment", () => {
  test("is changed by who wrote it and settled by anybody", async () => {
    const id = await makePostmortem();
    const comment = await addComment(otto, { id, body: { text: "Why so late?", quote: "TTD 1 m" } });
    const change = (context: ConsoleContext, input: object) => changeComment(context, { id, commentId: comment.id }, input);
    await expect(change(olga, { text: "No." })).rejects.toThrow("Only otto changes the words of this comment.");
    const token = { ...otto, actor: { ...otto.actor, kind: "token" as const, id: randomUUID() } };
    await expect(change(token, { text: "No." })).rejects.toThrow("Only otto changes the words of this comment.");
    await change(otto, { text: "Why?" });
    expect(await change(olga, { isSettled: true })).toMatchObject({ text: "Why?", quote: "TTD 1 m", settledBy: "olga" });
    expect((await change(olga, { isSettled: false })).settledAt).toBeNull();
    expect(await database.database.auditEntry.count({ where: { targetUid: id, verb: "change-comment" } })).toBe(3);
  });

  test("is added once however often it is sent with its key", async () => {
    const id = await makePostmortem();
    const request = { id, body: { text: "Why so late?" }, key: randomUUID() };
    const [first, second] = await Promise.all([addComment(otto, request), addComment(otto, request)]);
    expect(second.id).toBe(first.id);
    expect((await addComment(otto, request)).id).toBe(first.id);
    expect((await getPostmortem(otto, id)).postmortem?.comments).toHaveLength(1);
    await expect(addComment(otto, { ...request, body: { text: "Other" } })).rejects.toThrow("was used for another request");
  });

  test("is taken away by who wrote it only, and stays in the audit", async () => {
    const id = await makePostmortem();
    const { id: commentId } = await addComment(otto, { id, body: { text: "Why?" } });
    await expect(removeComment(olga, { id, commentId })).rejects.toThrow("Only otto removes this comment.");
    await removeComment(otto, { id, commentId });
    expect((await getPostmortem(otto, id)).postmortem?.comments).toEqual([]);
    expect(await database.database.auditEntry.findFirst({ where: { targetUid: id, verb: "remove-comment" } })).toMatchObject({
      before: { commentId, text: "Why?" },
    });
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
