import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { DomainError } from "../errors.ts";
import { unpackBody } from "./ingest.ts";
import { AlertIngest } from "./ingest-queue.ts";
import { ensureAlertSource } from "./sources.ts";

let db: Database;
let pipeline: Pipeline;
let drop: () => Promise<void>;
let ingest: AlertIngest;
let source: { id: string; name: string };
let now: Date;

const secret = "swa_a-secret-of-a-test-that-is-long-enough";
const start = new Date("2026-11-01T10:00:00.000Z");
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000).toISOString();

beforeAll(async () => {
  ({ database: db, pipeline, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await db.alertSource.deleteMany();
  await db.notificationTarget.deleteMany();
  await ensureAlertSource(db, { name: "test", secret, urls: [] });
  now = new Date(start.getTime() + 600_000);
  ingest = new AlertIngest({ pipeline, clock: () => now, logger: createLogger("test", "silent") });
  source = await ingest.authenticate("test", secret);
});

type Told = { name?: string; startsAt: string; endsAt?: string; summary?: string; labels?: Record<string, string> };

function webhook(alerts: Told[], extra: object = {}): Buffer {
  const body = {
    version: "4",
    groupKey: "{}:{}",
    status: "firing",
    receiver: "switchyard",
    truncatedAlerts: 0,
    alerts: alerts.map(({ name = "RelayHighLatency", startsAt, endsAt, summary = "slow", labels = {} }) => ({
      status: endsAt ? "resolved" : "firing",
      labels: { alertname: name, severity: "warning", namespace: "fleet", service: "relay", pod: "relay-1", ...labels },
      annotations: { summary },
      startsAt,
      endsAt: endsAt ?? "0001-01-01T00:00:00Z",
      generatorURL: "http://prometheus/graph",
    })),
    ...extra,
  };
  return Buffer.from(JSON.stringify(body));
}
const tell = (...alerts: Told[]) => ingest.receive(source, webhook(alerts));

function episodes() {
  return db.alertEpisode.findMany({
    orderBy: { startsAt: "asc" },
    include: { transitions: { orderBy: [{ at: "asc" }, { id: "asc" }] } },
  });
}
const spans = async () =>
  (await episodes()).map(({ startsAt, endsAt }) => [startsAt.toISOString(), endsAt?.toISOString() ?? null]);

describe("an alert's webhooks", () => {
  test("open an episode with what the alert says, and close it", async () => {
    expect(await tell({ startsAt: at(0) })).toEqual({ alerts: 1, unreadable: 0 });
    const [open] = await episodes();
    expect(open).toMatchObject({
      name: "RelayHighLatency",
      severity: "warning",
      namespace: "fleet",
      service: "relay",
      instance: "relay-1",
      state: "firing",
      startsAt: start,
      endsAt: null,
      firstReceivedAt: now,
      generatorUrl: "http://prometheus/graph",
      annotations: { summary: "slow" },
      openKey: `${source.id}/${open?.fingerprint}`,
    });
    await tell({ startsAt: at(0), endsAt: at(30) });
    const [closed] = await episodes();
    expect(closed).toMatchObject({
      id: open?.id,
      state: "resolved",
      endsAt: new Date(at(30)),
      openKey: null,
      closedBy: "webhook",
    });
    expect(closed?.transitions.map(({ kind, at, by }) => [kind, at.toISOString(), by])).toEqual([
      ["fired", at(0), "webhook"],
      ["resolved", at(30), "webhook"],
    ]);
    const series = await db.alertSeries.findMany();
    expect(series).toMatchObject([{ openEpisodeId: null, startsAt: start, endsAt: new Date(at(30)) }]);
  });

  test("change nothing when they come again, but their deliveries are counted", async () => {
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(0), endsAt: at(30) });
    const before = await episodes();
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(0), endsAt: at(30) });
    expect(await episodes()).toEqual(before);
    expect((await db.alertBody.findMany()).map(({ deliveries }) => deliveries).toSorted()).toEqual([2, 3]);
  });

  test("that are repeated byte by byte show that an alert still fires", async () => {
    await tell({ startsAt: at(0) });
    now = new Date(now.getTime() + 120_000);
    await tell({ startsAt: at(0) });
    expect(await episodes()).toMatchObject([{ lastReceivedAt: now, transitions: [{ kind: "fired" }] }]);
    expect(await db.alertBody.findMany()).toMatchObject([{ deliveries: 2 }]);
  });

  test("keep each body as it came, by its SHA-256", async () => {
    const bytes = webhook([{ startsAt: at(0) }], { notification_reason: "a field of a later version" });
    await ingest.receive(source, bytes);
    const { hash, body } = await db.alertBody.findFirstOrThrow();
    expect(Buffer.from(unpackBody(body))).toEqual(bytes);
    expect(Buffer.from(unpackBody(bytes))).toEqual(bytes);
    expect(Buffer.from(hash)).toEqual(createHash("sha256").update(bytes).digest());
  });

  test("open no second episode when the start moves back, and tell of it", async () => {
    await tell({ startsAt: at(10) });
    await tell({ startsAt: at(5) });
    expect(await spans()).toEqual([[at(5), null]]);
    const [episode] = await episodes();
    expect(episode?.transitions).toMatchObject(
      [{ kind: "moved-back", detail: { from: at(10), to: at(5) } }, { kind: "fired" }].toReversed(),
    );
  });

  test("open a new episode after the last end, also when all come in one body", async () => {
    await tell(
      { startsAt: at(0), endsAt: at(30) },
      { startsAt: at(60) },
      { startsAt: at(60), endsAt: at(90) },
      { startsAt: at(120) },
    );
    expect(await spans()).toEqual([
      [at(0), at(30)],
      [at(60), at(90)],
      [at(120), null],
    ]);
  });

  test("close the first episode and open the second when the resolve between them comes late", async () => {
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(60) });
    expect(await spans()).toEqual([[at(0), null]]);
    await tell({ startsAt: at(0), endsAt: at(30) });
    expect(await spans()).toEqual([
      [at(0), at(30)],
      [at(60), null],
    ]);
  });

  test("make one episode of two when a resolve tells that they were one", async () => {
    await tell({ startsAt: at(0), endsAt: at(30) });
    await tell({ startsAt: at(60), endsAt: at(90) });
    const [first, second] = await episodes();
    await tell({ startsAt: at(0), endsAt: at(95) });
    expect(await spans()).toEqual([[at(0), at(95)]]);
    const [merged] = await episodes();
    expect(merged?.id).toBe(first?.id);
    expect(merged?.transitions.map(({ kind }) => kind).toSorted()).toEqual([
      "corrected",
      "fired",
      "fired",
      "merged",
      "resolved",
      "resolved",
    ]);
    expect(merged?.transitions.find(({ kind }) => kind === "merged")?.detail).toEqual({ episodeId: second?.id });
  });

  test("bring the text of an open episode up to date", async () => {
    await tell({ startsAt: at(0), summary: "p95 60 ms" });
    await tell({ startsAt: at(0), summary: "p95 90 ms" });
    expect(await episodes()).toMatchObject([{ annotations: { summary: "p95 90 ms" }, transitions: [{ kind: "fired" }] }]);
    expect((await db.alertSeries.findFirstOrThrow()).searchText).toContain("p95 90 ms");
  });

  test("of the Watchdog are no episodes, but say that the source is heard", async () => {
    await tell({ name: "Watchdog", startsAt: at(0) });
    now = new Date(now.getTime() + 60_000);
    await tell({ name: "Watchdog", startsAt: at(0) });
    expect(await episodes()).toEqual([]);
    expect(await db.alertSource.findUniqueOrThrow({ where: { id: source.id } })).toMatchObject({
      watchdogAt: now,
      lastReceivedAt: now,
    });
  });

  test("put what fired and what was resolved into the outbox of who wants it, once", async () => {
    const filter = { events: ["alert-fired", "alert-resolved"], severities: [], services: [] };
    const target = { name: "chat", kind: "webhook", config: {}, filter, createdAt: now, updatedAt: now, updatedByName: "ada" };
    await db.notificationTarget.create({ data: target });
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(0) });
    await tell({ startsAt: at(0), endsAt: at(30) });
    const told = await db.notification.findMany({ orderBy: { createdAt: "asc" } });
    expect(told.map(({ event }) => event).toSorted()).toEqual(["alert-fired", "alert-resolved"]);
  });
});

describe("a body", () => {
  test("that is no webhook is refused, and nothing of it is kept", async () => {
    for (const text of ["", "not JSON", "[]", '{"alerts": 3}', '{"alerts": [{"status": "firing"}]}']) {
      await expect(ingest.receive(source, Buffer.from(text))).rejects.toMatchObject({ code: "invalid-input" });
    }
    expect(await db.alertBody.count()).toBe(0);
  });

  test("with one alert that cannot be read does not lose the others", async () => {
    const body = JSON.parse(webhook([{ startsAt: at(0) }]).toString());
    body.alerts.unshift({ status: "firing", labels: { alertname: "Broken" }, startsAt: "yesterday" });
    expect(await ingest.receive(source, Buffer.from(JSON.stringify(body)))).toEqual({ alerts: 1, unreadable: 1 });
    expect(await spans()).toEqual([[at(0), null]]);
  });

  test("with characters that PostgreSQL cannot store gets in all the same", async () => {
    await tell({ startsAt: at(0), summary: "a zero \0 and half a pair \ud800", labels: { pod: "relay\0-1" } });
    expect(await episodes()).toMatchObject([
      { instance: "relay\uFFFD-1", annotations: { summary: "a zero \uFFFD and half a pair \uFFFD" } },
    ]);
  });

  test("with a long label gets in, also when the column would end within a character", async () => {
    const pod = `${"x".repeat(199)}😀`;
    await tell({ startsAt: at(0), labels: { pod }, summary: `${"y".repeat(7_999)}😀` });
    expect(await episodes()).toMatchObject([{ instance: `${"x".repeat(199)}\uFFFD`, labels: { pod } }]);
  });

  test("without fingerprints gets Alertmanager's own", async () => {
    const alert = { status: "firing", labels: { alertname: "A", namespace: "fleet" }, startsAt: at(0) };
    await ingest.receive(source, Buffer.from(JSON.stringify({ alerts: [alert] })));
    expect(await episodes()).toMatchObject([{ fingerprint: "3d063f821088063a", severity: "none", service: null }]);
  });
});

describe("many webhooks at once", () => {
  const names = Array.from({ length: 40 }, (_, index) => `Alert${index}`);

  test("of several processes, in opposite orders, with the same alerts, end with one episode each", async () => {
    const others = Array.from(
      { length: 3 },
      () => new AlertIngest({ pipeline, clock: () => now, logger: createLogger("test", "silent") }),
    );
    const bodies = Array.from({ length: 12 }, (_, round) => {
      const order = round % 2 === 0 ? names : names.toReversed();
      return webhook(
        order.map((name) => ({ name, startsAt: at(round % 3), ...(round % 4 === 3 ? { endsAt: at(30) } : {}) })),
        { groupKey: `group ${round}` },
      );
    });
    await Promise.all(bodies.map((body, index) => (others[index % 3] ?? ingest).receive(source, body)));
    const found = await episodes();
    expect(found).toHaveLength(names.length);
    expect(found.every(({ startsAt, endsAt }) => startsAt.toISOString() === at(0) && endsAt?.toISOString() === at(30))).toBe(
      true,
    );
    expect(await db.alertBody.count()).toBe(12);
  });

  test("share transactions, and the same body twice in one of them counts twice", async () => {
    const one = webhook([{ startsAt: at(0) }]);
    await Promise.all([
      tell({ name: "Other", startsAt: at(0) }),
      ...Array.from({ length: 20 }, () => ingest.receive(source, one)),
    ]);
    expect(await spans()).toHaveLength(2);
    expect((await db.alertBody.findMany()).map(({ deliveries }) => deliveries).toSorted()).toEqual([1, 20]);
  });

  test("of a source that was removed meanwhile fail alone", async () => {
    await ensureAlertSource(db, { name: "other", secret: `${secret}-other`, urls: [] });
    const other = await ingest.authenticate("other", `${secret}-other`);
    await db.alertSource.delete({ where: { id: other.id } });
    const results = await Promise.allSettled([
      tell({ name: "First", startsAt: at(0) }),
      ingest.receive(other, webhook([{ startsAt: at(0) }])),
      tell({ name: "Second", startsAt: at(0) }),
      ingest.receive(source, webhook([{ name: "Third", startsAt: at(0) }])),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(await spans()).toHaveLength(3);
  });

  test("are told to come again while the database is away", async () => {
    const away = new Pipeline("postgresql://nobody@127.0.0.1:9/none");
    const blind = new AlertIngest({ pipeline: away, clock: () => now, logger: createLogger("test", "silent") });
    await expect(blind.authenticate("test", secret)).rejects.toMatchObject({ code: "database-unavailable" });
    await expect(blind.receive(source, webhook([{ startsAt: at(0) }]))).rejects.toMatchObject({ code: "database-unavailable" });
    await away.end();
  });
});

describe("while the database hangs", () => {
  test("who waits is told to come again, who comes new at once, and both get in when it goes on", async () => {
    const options = { answerWithinMs: 300, stalledAfterMs: 100 };
    const impatient = new AlertIngest({ pipeline, clock: () => now, logger: createLogger("test", "silent"), ...options });
    await db.$transaction(async (transaction) => {
      await transaction.$executeRaw`LOCK TABLE alert_series`;
      const waiting = impatient.receive(source, webhook([{ startsAt: at(0) }]));
      await expect(waiting).rejects.toMatchObject({ code: "database-unavailable" });
      const askedAt = performance.now();
      await expect(impatient.authenticate("test", secret)).rejects.toMatchObject({ code: "database-unavailable" });
      await expect(impatient.receive(source, webhook([{ startsAt: at(0) }]))).rejects.toMatchObject({
        code: "database-unavailable",
      });
      expect(performance.now() - askedAt).toBeLessThan(100);
    });
    await expect.poll(() => impatient.authenticate("test", secret).catch(() => null)).toEqual(source);
    await impatient.receive(source, webhook([{ startsAt: at(0) }]));
    expect(await spans()).toEqual([[at(0), null]]);
  });
});

describe("while a transaction is under way", () => {
  test("what it stores is waited for and then no news, and what else many tell goes into another one", async () => {
    const begun: PromiseWithResolvers<void>[] = [];
    const held = Object.assign(Object.create(pipeline), {
      transact: async (...given: Parameters<Pipeline["transact"]>) => {
        const turn = Promise.withResolvers<void>();
        begun.push(turn);
        await turn.promise;
        return pipeline.transact(...given);
      },
    }) as Pipeline;
    const ingest = new AlertIngest({ pipeline: held, clock: () => now, logger: createLogger("test", "silent") });
    const tellAll = (from: number, name: string) =>
      Array.from({ length: 15 }, (_, index) =>
        ingest.receive(source, webhook([{ name, startsAt: at(0) }], { groupKey: `${from + index}` })),
      );
    const same = tellAll(0, "Same");
    expect(begun).toHaveLength(1);
    const other = tellAll(15, "Other");
    expect(begun).toHaveLength(2);
    begun[1]?.resolve();
    await Promise.all(other);
    expect((await episodes()).map(({ name }) => name)).toEqual(["Other"]);
    begun[0]?.resolve();
    await Promise.all(same);
    // The other fourteen had no news: their bodies are kept without a transaction.
    expect(begun).toHaveLength(2);
    expect(await spans()).toHaveLength(2);
    expect(await db.alertBody.count()).toBe(30);
  });
});

describe("after the database did not answer", () => {
  test("one webhook tries whether it does again, and the others are told at once to come again", async () => {
    const broken = { ...pipeline, transact: () => Promise.reject(new DomainError("database-unavailable", "away")) };
    const stub = Object.assign(Object.create(pipeline), broken) as Pipeline;
    const ingest = new AlertIngest({ pipeline: stub, clock: () => now, logger: createLogger("test", "silent") });
    const first = webhook([{ startsAt: at(0) }]);
    await expect(ingest.receive(source, first)).rejects.toMatchObject({ code: "database-unavailable" });
    const answer = Promise.withResolvers<void>();
    stub.transact = (read, write) => answer.promise.then(() => pipeline.transact(read, write));
    const probe = ingest.receive(source, first);
    await expect(ingest.receive(source, webhook([{ name: "Other", startsAt: at(0) }]))).rejects.toMatchObject({
      code: "database-unavailable",
    });
    answer.resolve();
    await probe;
    stub.transact = (read, write) => pipeline.transact(read, write);
    await Promise.all(["Other", "Third"].map((name) => ingest.receive(source, webhook([{ name, startsAt: at(0) }]))));
    expect(await spans()).toHaveLength(3);
  });
});

describe("a source's secret", () => {
  test("opens it, and no other one does", async () => {
    await expect(ingest.authenticate("test", `${secret}x`)).rejects.toMatchObject({ code: "not-authenticated" });
    await expect(ingest.authenticate("test", null)).rejects.toMatchObject({ code: "not-authenticated" });
    await expect(ingest.authenticate("nobody", secret)).rejects.toMatchObject({ code: "not-authenticated" });
    await expect(ingest.authenticate("nobody", "")).rejects.toMatchObject({ code: "not-authenticated" });
  });

  test("that is new opens at once, and the one before no longer after a second", async () => {
    const next = `${secret}-next`;
    const isRefused = (given: string) =>
      ingest.authenticate("test", given).then(
        () => false,
        ({ code }) => code === "not-authenticated",
      );
    await db.alertSource.updateMany({ data: { secretHash: createHash("sha256").update(next).digest("hex") } });
    expect(await isRefused(secret)).toBe(false);
    await expect.poll(() => isRefused(secret), { timeout: 3_000 }).toBe(true);
    expect(await isRefused(next)).toBe(false);
    await db.alertSource.updateMany({ data: { disabledAt: now } });
    await expect
      .poll(() => ingest.authenticate("test", next).catch(({ code }) => code), { timeout: 3_000 })
      .toBe("not-authenticated");
  });
});
