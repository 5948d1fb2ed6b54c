import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AlertmanagerAlert } from "#lib/alertmanager/schemas.ts";
import type { Database } from "#lib/database/client.ts";
import type { Pipeline } from "#lib/database/pipeline.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { AlertIngest } from "./ingest-queue.ts";
import { reconcileAlerts } from "./reconcile.ts";
import { ensureAlertSource } from "./sources.ts";

let db: Database;
let pipeline: Pipeline;
let drop: () => Promise<void>;
let source: { id: string; name: string };
let ingest: AlertIngest;
let now: Date;
let members: Map<string, { startedAt: Date; alerts: Told[] | null }>;

type Told = { name: string; startsAt: Date; silencedBy?: string[]; inhibitedBy?: string[]; updatedAt?: Date };

const secret = "swa_a-secret-of-a-test-that-is-long-enough";
const urls = ["http://am-0.test", "http://am-1.test"];
const start = new Date("2026-11-01T10:00:00.000Z");
const watchdog = { name: "Watchdog", startsAt: start };
const slow = { name: "RelayHighLatency", startsAt: start };
const logger = createLogger("test", "silent");
const later = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000);
  return now;
};

beforeAll(async () => {
  ({ database: db, pipeline, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await db.alertSource.deleteMany();
  await db.notificationTarget.deleteMany();
  now = new Date(Date.now() + 3_600_000);
  await ensureAlertSource(db, { name: "test", secret, urls });
  await db.alertSource.updateMany({ data: { createdAt: now } });
  ingest = new AlertIngest({ pipeline, clock: () => now, logger });
  source = await ingest.authenticate("test", secret);
  members = new Map(urls.map((url) => [url, { startedAt: start, alerts: [watchdog] }]));
});

function listed({ name, startsAt, silencedBy = [], inhibitedBy = [], updatedAt = now }: Told): AlertmanagerAlert {
  const labels = { alertname: name, severity: "warning", namespace: "fleet", service: "relay" };
  const state = silencedBy.length + inhibitedBy.length > 0 ? "suppressed" : "active";
  return {
    fingerprint: `fp-${name.replaceAll("\0", "")}`,
    labels,
    annotations: { summary: `${name} fires` },
    startsAt,
    endsAt: new Date(now.getTime() + 240_000),
    updatedAt,
    generatorUrl: null,
    state,
    silencedBy,
    inhibitedBy,
  };
}

function connect(url: string) {
  const member = members.get(url);
  const reach = <T>(read: (alerts: Told[]) => T): Promise<T> =>
    member?.alerts ? Promise.resolve(read(member.alerts)) : Promise.reject(new Error("nothing listens at its address"));
  return {
    status: () => reach(() => ({ version: "0.27.0", startedAt: member?.startedAt ?? start, peers: 2 })),
    listAlerts: () => reach((alerts) => alerts.map(listed)),
  };
}
const all = (...alerts: Told[]) => {
  for (const member of members.values()) member.alerts = [watchdog, ...alerts];
};
const pass = (webhooksFirstMs = 0) => reconcileAlerts({ db, pipeline, clock: () => now, logger, connect, webhooksFirstMs });
/** Two controllers at once. */
const passes = (seconds = 10) => {
  later(seconds);
  return Promise.all([pass(), pass()]);
};
const tell = (status: "firing" | "resolved", startsAt: Date, endsAt?: Date) => {
  const { labels, annotations, fingerprint } = listed(slow);
  const alert = { status, labels, annotations, fingerprint, startsAt, endsAt: endsAt ?? "0001-01-01T00:00:00Z" };
  return ingest.receive(source, Buffer.from(JSON.stringify({ version: "4", alerts: [alert], at: now })));
};
const episodes = () =>
  db.alertEpisode.findMany({ orderBy: { startsAt: "asc" }, include: { transitions: { orderBy: { id: "asc" } } } });
const kinds = async () => (await episodes()).flatMap(({ transitions }) => transitions.map(({ kind, by }) => `${kind} by ${by}`));

/** Lets a target be told of everything; answers with what it was told, in order. */
async function listen() {
  const filter = { events: ["alert-fired", "alert-resolved"], severities: [], services: [] };
  const target = { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" };
  await db.notificationTarget.create({ data: target });
  return async () => (await db.notification.findMany({ orderBy: { id: "asc" } })).map(({ eventKey }) => eventKey);
}

describe("a poll", () => {
  test("opens the episode of an alert that no webhook told, and the webhook that comes later changes nothing", async () => {
    all(slow);
    await passes();
    expect(await episodes()).toMatchObject([{ name: "RelayHighLatency", state: "firing", startsAt: start, service: "relay" }]);
    await tell("firing", start);
    expect(await kinds()).toEqual(["fired by poll"]);
  });

  test("leaves what it finds to a webhook that comes soon after", async () => {
    all(slow);
    const passing = pass(300);
    await tell("firing", start);
    await passing;
    expect(await kinds()).toEqual(["fired by webhook"]);
  });

  test("ends what two of them did not find, at the time of the first; a late resolve tells the exact end", async () => {
    await tell("firing", start);
    await passes();
    const firstMissed = now;
    expect(await episodes()).toMatchObject([{ state: "firing" }]);
    await passes();
    expect(await episodes()).toMatchObject([{ state: "resolved", endsAt: firstMissed, closedBy: "poll", openKey: null }]);
    const end = new Date(start.getTime() + 30_000);
    await tell("resolved", start, end);
    expect(await episodes()).toMatchObject([{ state: "resolved", endsAt: end, closedBy: "webhook" }]);
    expect(await kinds()).toEqual(["fired by webhook", "resolved by poll", "corrected by webhook"]);
  });

  test("that finds an alert again after one that did not starts counting anew", async () => {
    await tell("firing", start);
    await passes();
    all(slow);
    await passes();
    all();
    await passes();
    expect(await episodes()).toMatchObject([{ state: "firing" }]);
    await passes();
    expect(await episodes()).toMatchObject([{ state: "resolved" }]);
  });

  test("with an empty answer ends nothing, however often, while the Watchdog is gone", async () => {
    await tell("firing", start);
    await passes();
    all(slow);
    await passes();
    for (const member of members.values()) member.alerts = [];
    for (let count = 0; count < 4; count += 1) await passes();
    expect(await episodes()).toMatchObject([{ state: "firing" }]);
  });

  test("of members that were just started ends nothing until they know all alerts again", async () => {
    await tell("firing", start);
    all(slow);
    await passes();
    all();
    for (const member of members.values()) member.startedAt = later(1);
    await passes();
    await passes();
    expect(await episodes()).toMatchObject([{ state: "firing" }]);
    await passes(150);
    await passes();
    expect(await episodes()).toMatchObject([{ state: "resolved" }]);
  });

  test("takes back an end that polls inferred when the alert is there again", async () => {
    await tell("firing", start);
    await passes();
    await passes();
    expect(await episodes()).toMatchObject([{ state: "resolved" }]);
    all(slow);
    await passes();
    expect(await episodes()).toMatchObject([{ state: "firing", endsAt: null, closedBy: null }]);
    expect(await kinds()).toEqual(["fired by webhook", "resolved by poll", "reopened by poll"]);
  });

  test("records silences and inhibition, and tells people of an alert that was silent only when it is no longer", async () => {
    const filter = { events: ["alert-fired", "alert-resolved"], severities: [], services: [] };
    const target = { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" };
    await db.notificationTarget.create({ data: target });
    all({ ...slow, silencedBy: ["s1"] });
    await passes();
    expect(await episodes()).toMatchObject([{ silencedBy: ["s1"], inhibited: false }]);
    expect(await db.notification.count()).toBe(0);
    all({ ...slow, inhibitedBy: ["other"] });
    await passes();
    expect(await episodes()).toMatchObject([{ silencedBy: [], inhibited: true }]);
    expect(await db.notification.count()).toBe(0);
    all(slow);
    await passes();
    expect(await kinds()).toEqual([
      "fired by poll",
      "silenced by poll",
      "unsilenced by poll",
      "inhibited by poll",
      "uninhibited by poll",
    ]);
    expect(await db.notification.findMany()).toMatchObject([{ event: "alert-fired" }]);
  });

  test("of a thousand alerts opens each once, though two controllers do it", async () => {
    all(...Array.from({ length: 1_000 }, (_, index) => ({ name: `Alert${index}`, startsAt: start })));
    await passes();
    expect(await db.alertEpisode.count()).toBe(1_000);
    expect(await db.alertTransition.count()).toBe(1_000);
  });
});

describe("a blind window", () => {
  const windows = () => db.blindWindow.findMany({ orderBy: { beganAt: "asc" } });

  test("opens when the Watchdog stays away and closes when it is back", async () => {
    await passes();
    const lastHeard = now;
    for (const member of members.values()) member.alerts = [];
    for (const seconds of [30, 30]) await passes(seconds);
    expect(await windows()).toEqual([]);
    await passes(1);
    expect(await windows()).toMatchObject([{ reason: "watchdog-missing", beganAt: lastHeard, endedAt: null }]);
    all();
    await passes();
    expect(await windows()).toMatchObject([{ reason: "watchdog-missing", endedAt: now, openKey: null }]);
  });

  test("opens when no member answers, is told once, and stays one however long that lasts", async () => {
    const filter = { events: ["source-blind"], severities: [], services: [] };
    const target = { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" };
    await db.notificationTarget.create({ data: target });
    await passes();
    const lastHeard = now;
    for (const member of members.values()) member.alerts = null;
    for (let count = 0; count < 6; count += 1) await passes();
    expect(await windows()).toMatchObject([{ reason: "unreachable", beganAt: lastHeard, endedAt: null }]);
    expect(await db.notification.count()).toBe(1);
    const failingSince = new Date(lastHeard.getTime() + 10_000);
    const failing = { lastPolledAt: lastHeard, failingSince, lastError: "nothing listens at its address" };
    expect(await db.alertSourceMember.findMany()).toMatchObject([failing, failing]);
  });

  test("does not open while one of two members answers", async () => {
    const [first] = members.values();
    if (first) first.alerts = null;
    for (let count = 0; count < 6; count += 1) await passes();
    expect(await windows()).toEqual([]);
  });

  test("is recorded for a time in which Switchyard did not run", async () => {
    await passes();
    const lastHeard = now;
    await passes(600);
    expect(await windows()).toMatchObject([{ reason: "not-listening", beganAt: lastHeard, endedAt: now, openKey: null }]);
    await passes();
    expect(await windows()).toHaveLength(1);
  });
});

describe("people", () => {
  test("are told that an alert fires after all when an end that polls inferred is taken back, and of the real end", async () => {
    const told = await listen();
    await tell("firing", start);
    await passes();
    await passes();
    all(slow);
    await passes();
    await tell("resolved", start, now);
    const [episode] = await episodes();
    const key = `alert/${episode?.id}`;
    expect(await told()).toEqual([`${key}/fired`, `${key}/resolved`, `${key}/fired/2`, `${key}/resolved/2`]);
  });

  test("are told the end of an alert whose episode became part of an earlier one; its acknowledgement stays", async () => {
    const told = await listen();
    const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
    await tell("resolved", at(0), at(10));
    await tell("firing", at(20));
    const [, second] = await episodes();
    await db.alertEpisode.update({ where: { id: second?.id }, data: { acknowledgedAt: now, acknowledgedByName: "otto" } });
    await tell("resolved", at(5), at(30));
    expect(await episodes()).toMatchObject([{ startsAt: at(0), endsAt: at(30), acknowledgedByName: "otto" }]);
    expect((await told()).slice(2)).toEqual([`alert/${second?.id}/fired`, `alert/${second?.id}/resolved`]);
  });

  test("are told by a webhook that an alert is silent no longer when no poll can say so", async () => {
    const told = await listen();
    all({ ...slow, silencedBy: ["s1"] });
    await passes();
    await tell("firing", start);
    expect(await told()).toEqual([]);
    for (const member of members.values()) member.alerts = null;
    later(90);
    await tell("firing", start);
    await tell("firing", start);
    expect(await told()).toHaveLength(1);
    expect(await episodes()).toMatchObject([{ silencedBy: [], state: "firing" }]);
  });

  test("are told once of an alert that ended in silence and fires again without one", async () => {
    const told = await listen();
    all({ ...slow, silencedBy: ["s1"] });
    await passes();
    all({ ...slow, startsAt: now });
    await passes();
    const [, second] = await episodes();
    expect(await told()).toEqual([`alert/${second?.id}/fired`]);
  });
});

describe("an alert that a poll found", () => {
  test("is stored though its text has characters that PostgreSQL does not take", async () => {
    all({ name: "Odd\0Name", startsAt: start }, slow);
    await passes();
    expect((await episodes()).map(({ name }) => name).toSorted()).toEqual(["Odd\uFFFDName", "RelayHighLatency"]);
  });
});
