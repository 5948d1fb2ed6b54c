import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { type AlertChange, announceAlertChanges } from "#lib/domain/notifications/announce.ts";
import { claimDeliveries } from "#lib/domain/notifications/claim.ts";
import { resendMessage, testTarget } from "#lib/domain/notifications/messages.ts";
import { logKeptMs } from "#lib/domain/notifications/policy.ts";
import { pruneNotifications } from "#lib/domain/notifications/retention.ts";
import { createTarget, type SealingContext, updateTarget } from "#lib/domain/notifications/targets.ts";
import { type NotificationWorld, startNotificationWorld } from "#lib/domain/notifications/test-world.ts";
import { recordProgress } from "#lib/domain/rollouts/commands.ts";
import { TestReceiver } from "#lib/notify/test-receiver.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { NotificationSender, type NotificationSettings } from "./notifications.ts";

let world: NotificationWorld;
let db: Database;
let context: SealingContext;
let sealer: Sealer;
let now: Date;
const receivers: TestReceiver[] = [];
const senders: NotificationSender[] = [];
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const clock = () => now;

beforeAll(async () => {
  world = await startNotificationWorld();
  ({ db, sealer } = world);
  context = world.as("admin");
});
afterAll(() => world?.drop());
beforeEach(() => {
  // The library that verifies signatures takes times of the last five minutes only.
  setNow(new Date());
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
  for (const sender of senders.splice(0)) await sender.settled();
  await db.notificationTarget.deleteMany();
});

function setNow(given: Date) {
  now = given;
  world.setClock(given);
}
const advance = (seconds: number) => setNow(new Date(now.getTime() + seconds * 1000));

function startSender(settings: Partial<NotificationSettings> = {}): NotificationSender {
  const logger = createLogger("test", "silent");
  const base = { sealer, baseUrl: "https://switchyard.example.org/", timeoutMs: 5_000 };
  const sender = new NotificationSender({ db, clock, logger }, { ...base, ...settings });
  senders.push(sender);
  return sender;
}

/** One pass, and whatever it began to its end. */
async function deliver(sender = startSender()): Promise<number> {
  const count = await sender.pass();
  await sender.settled();
  return count;
}

async function startTarget(kind: "webhook" | "slack" = "webhook", name: string = randomUUID()) {
  const receiver = await TestReceiver.start();
  receivers.push(receiver);
  const settings = kind === "webhook" ? { url: receiver.url, signingSecret: secret } : { url: receiver.url };
  const filter = { events: ["alert-fired", "alert-resolved", "rollout-failed", "rollout-finished"] };
  const { target } = await createTarget(context, { kind, name, filter, settings });
  return { id: target.id, receiver };
}

const alert = (index: number, given: Partial<AlertChange> = {}): AlertChange => ({
  episodeId: `episode-${index}`,
  kind: "fired",
  name: "RelayHighLatency",
  severity: "warning",
  namespace: "fleet",
  service: "relay",
  summary: `number ${index}`,
  startsAt: now,
  endsAt: null,
  ...given,
});

const announce = (...changes: AlertChange[]) =>
  db.$transaction((transaction) => announceAlertChanges(transaction, changes, now), { timeout: 60_000 });

const keysOf = (receiver: TestReceiver): string[] =>
  receiver.received.flatMap(({ body }) => JSON.parse(body).data.events.map(({ key }: { key: string }) => key));
const idsOf = (receiver: TestReceiver) => receiver.received.map(({ headers }) => headers["webhook-id"]);
const deliveriesOf = (targetId: string) =>
  db.notificationDelivery.findMany({ where: { targetId }, orderBy: [{ createdAt: "asc" }], include: { attempts: true } });

describe("what is announced", () => {
  test("comes with the transaction that announces it, and only with it", async () => {
    const { receiver } = await startTarget();
    const undone = db.$transaction(async (transaction) => {
      await announceAlertChanges(transaction, [alert(1)], now);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await deliver()).toBe(0);
    await announce(alert(1));
    expect(await deliver()).toBe(1);
    const [request] = receiver.received;
    expect(new Webhook(secret).verify(request?.body ?? "", request?.headers as Record<string, string>)).toMatchObject({
      data: { events: [{ key: "alert/episode-1/fired", url: "https://switchyard.example.org/alerts/episode-1" }] },
    });
  });

  test("is told a target once, however often and by however many it is announced", async () => {
    const { receiver } = await startTarget();
    await Promise.all(Array.from({ length: 8 }, (_, index) => announce(alert(index % 2), alert((index + 1) % 2))));
    await deliver();
    advance(60);
    await announce(alert(0), alert(1));
    expect(await deliver()).toBe(0);
    expect(keysOf(receiver).toSorted()).toEqual(["alert/episode-0/fired", "alert/episode-1/fired"]);
  });

  test("is stored whatever characters an alert holds, also when an emoji is cut in half", async () => {
    const { receiver } = await startTarget();
    const odd = { name: "a\u0000b", summary: "🔥".repeat(400), namespace: "\ud83d", service: "line\nbreak" };
    await announce(alert(1, odd), alert(2, { summary: `x${odd.summary}` }));
    await deliver();
    expect(keysOf(receiver)).toHaveLength(2);
    expect(JSON.parse(receiver.received[0]?.body ?? "").data.title).toBe("Warning: a\uFFFDb on \uFFFD/line break and 1 more");
  });

  test("goes only where its filter lets it", async () => {
    const [one, two] = [await startTarget(), await startTarget()];
    await updateTarget(context, one.id, { filter: { events: ["alert-fired"], severities: ["critical"] } });
    await announce(alert(1), alert(2, { severity: "critical" }));
    await deliver();
    expect([keysOf(one.receiver).length, keysOf(two.receiver).length]).toEqual([1, 2]);
  });

  test("is the end of a rollout, recorded by whichever controller sees it first", async () => {
    const { receiver } = await startTarget();
    const entry = { actorKind: "user", actorName: "olga", verb: "image", targetKind: "service", targetName: "relay" } as const;
    const audit = await db.auditEntry.create({ data: { ...entry, outcome: "succeeded", requestId: "r" } });
    const rollout = await db.rollout.create({
      data: {
        auditEntryId: audit.id,
        namespace: "fleet",
        service: "relay",
        workloadUid: "u",
        change: "image",
        fromVersion: "2.0.0",
        toVersion: "2.1.0",
        targetGeneration: 2,
        state: "progressing",
        message: "On its way.",
      },
    });
    const end = { state: "failed" as const, message: "No progress within the deadline.", toRevision: 2 };
    const recorded = await Promise.all([1, 2, 3].map(() => recordProgress({ db, clock }, rollout, end)));
    expect(recorded.filter(Boolean)).toHaveLength(1);
    await deliver();
    expect(keysOf(receiver)).toEqual([`rollout/${rollout.id}/failed`]);
    expect(JSON.parse(receiver.received[0]?.body ?? "").data.title).toBe("Rollout from 2.0.0 to 2.1.0 of fleet/relay failed");
  });
});

describe("a message that was not taken", () => {
  test("comes again after a while with the same id and the same body, until it is taken", async () => {
    const { id, receiver } = await startTarget();
    receiver.behaviour = (response) => response.writeHead(500).end("out of order");
    await announce(alert(1));
    await deliver();
    expect(await deliver()).toBe(0);
    advance(5);
    await deliver();
    receiver.behaviour = (response) => response.writeHead(200).end("ok");
    advance(10);
    await deliver();
    expect(new Set(idsOf(receiver)).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(3);
    const [delivery] = await deliveriesOf(id);
    expect(delivery).toMatchObject({ state: "delivered", lastOutcome: "delivered", attemptCount: 3 });
    expect(delivery?.attempts.map(({ answer, excerpt }) => [answer, excerpt])).toEqual([
      ["HTTP 500", "out of order"],
      ["HTTP 500", "out of order"],
      ["HTTP 200", "ok"],
    ]);
  });

  test("is given up after about 24 hours, and goes out when it is sent again by hand", async () => {
    const { id, receiver } = await startTarget();
    receiver.behaviour = (response) => response.socket?.destroy();
    await announce(alert(1));
    const sender = startSender();
    const until = now.getTime() + 25 * 3_600_000;
    while (now.getTime() < until) {
      await deliver(sender);
      const [delivery] = await deliveriesOf(id);
      if (delivery?.state !== "pending") break;
      setNow(delivery.nextAttemptAt ?? now);
    }
    const [failed] = await deliveriesOf(id);
    expect(failed).toMatchObject({ state: "failed", lastOutcome: "unreachable" });
    expect(failed?.attempts.length).toBeGreaterThan(25);
    receiver.behaviour = (response) => response.writeHead(200).end();
    await resendMessage(context, failed?.id ?? "");
    await deliver(sender);
    expect((await deliveriesOf(id))[0]).toMatchObject({ state: "delivered" });
    expect(idsOf(receiver).at(-1)).toBe(failed?.id);
  });

  test("is left alone as long as the receiver asks for, with all others for it; a test still goes", async () => {
    const { id, receiver } = await startTarget();
    receiver.behaviour = (response) => response.writeHead(429, { "retry-after": "600" }).end();
    await announce(alert(1));
    await deliver();
    receiver.behaviour = (response) => response.writeHead(200).end();
    advance(599);
    await announce(alert(2));
    expect(await deliver()).toBe(0);
    await testTarget(context, id);
    expect(await deliver()).toBe(1);
    advance(1);
    await deliver();
    expect(keysOf(receiver).toSorted().slice(-3)).toEqual([
      "alert/episode-1/fired",
      "alert/episode-2/fired",
      expect.stringMatching(/^test\//),
    ]);
  });

  test("follows at once when the target takes messages again, the longest waiting first", async () => {
    const { receiver } = await startTarget();
    receiver.behaviour = (response) => response.writeHead(503).end();
    const sender = startSender();
    for (let index = 0; index < 4; index += 1) {
      await announce(alert(index));
      await deliver(sender);
      advance(61);
      await deliver(sender);
    }
    receiver.received.length = 0;
    receiver.behaviour = (response) => response.writeHead(200).end();
    advance(61);
    await announce(alert(9));
    while ((await deliver(sender)) > 0);
    expect(keysOf(receiver).toSorted()).toEqual([0, 1, 2, 3, 9].map((index) => `alert/episode-${index}/fired`));
  });

  test("waits without being sent while its secrets do not open, and goes out with the right key", async () => {
    const { id, receiver } = await startTarget();
    await announce(alert(1));
    await deliver(startSender({ sealer: new Sealer("another key of the tests, with more than 32 characters") }));
    const [delivery] = await deliveriesOf(id);
    expect(delivery).toMatchObject({ state: "pending", lastOutcome: "unreadable" });
    expect(delivery?.attempts[0]?.error).toContain("SWITCHYARD_ENCRYPTION_KEY");
    expect(receiver.received).toEqual([]);
    advance(5);
    await deliver();
    expect(keysOf(receiver)).toEqual(["alert/episode-1/fired"]);
  });
});

describe("two controllers", () => {
  test("send each message once between them", async () => {
    const targets = await Promise.all(Array.from({ length: 6 }, () => startTarget()));
    const both = [startSender(), startSender()];
    for (let round = 0; round < 5; round += 1) {
      await announce(alert(round));
      for (let pass = 0; pass < 3; pass += 1) await Promise.all(both.map((sender) => deliver(sender)));
      advance(10);
    }
    for (const { receiver } of targets) {
      expect(keysOf(receiver)).toHaveLength(5);
      expect(new Set(idsOf(receiver)).size).toBe(5);
    }
  });

  test("take up from one that died with a message in its hands, under the same id", async () => {
    const { receiver } = await startTarget();
    await announce(alert(1));
    const [held] = await claimDeliveries({ db, clock }, 60_000);
    expect(await deliver()).toBe(0);
    advance(59);
    expect(await deliver()).toBe(0);
    advance(1);
    expect(await deliver()).toBe(1);
    expect(idsOf(receiver)).toEqual([held?.id]);
  });

  test("do not undo each other: an attempt that fails late changes nothing of what the other delivered", async () => {
    const { id, receiver } = await startTarget();
    let fail = () => {};
    receiver.behaviour = (response) => {
      if (receiver.received.length > 1) response.writeHead(200).end();
      else fail = () => response.writeHead(500).end();
    };
    await announce(alert(1));
    const slow = startSender();
    await slow.pass();
    await expect.poll(() => receiver.received.length).toBe(1);
    advance(60);
    await deliver();
    fail();
    await slow.settled();
    const [delivery] = await deliveriesOf(id);
    expect(delivery).toMatchObject({ state: "delivered", lastOutcome: "delivered" });
    expect(delivery?.attempts).toHaveLength(2);
  });
});

describe("a target that does not answer", () => {
  test("holds up nobody else, and gets two messages at a time at most", async () => {
    const [dead, alive] = [await startTarget(), await startTarget()];
    dead.receiver.behaviour = () => {};
    const sender = startSender({ timeoutMs: 60_000 });
    for (let round = 0; round < 5; round += 1) {
      await announce(alert(round));
      await sender.pass();
      await expect.poll(() => keysOf(alive.receiver).length).toBe(round + 1);
      await expect.poll(async () => (await deliveriesOf(alive.id)).every(({ state }) => state === "delivered")).toBe(true);
      advance(10);
    }
    expect(dead.receiver.connections).toBe(2);
    await dead.receiver.stop();
    await sender.settled();
  });
});

describe("a storm", () => {
  const count = 10_000;

  test("of 10,000 alerts comes to people as one message, which lists the first 20 and counts the rest", async () => {
    const { receiver } = await startTarget("slack");
    const alerts = Array.from({ length: count }, (_, index) =>
      alert(index, {
        severity: index === 7_777 ? "critical" : "warning",
        name: index % 10 === 0 ? "ServiceDown" : "RelayHighLatency",
      }),
    );
    await announce(...alerts);
    await deliver();
    advance(9);
    await deliver();
    expect(receiver.received).toHaveLength(1);
    const { text, blocks } = JSON.parse(receiver.received[0]?.body ?? "");
    expect(blocks[0].text.text).toBe("Critical: RelayHighLatency on fleet/relay and 9999 more");
    expect(text.match(/^• /gm)).toHaveLength(20);
    expect(text.match(/^• .*$/m)[0]).toContain("number 7777");
    expect(text).toContain("and 9980 more: 89");
    const counts = [...text.matchAll(/(\d+) × (\w+)/g)].map(([, each]) => Number(each));
    expect(counts.reduce((all, one) => all + one, 0)).toBe(9_980);
  });

  test("of 10,000 alerts comes to programs without losing one, a message in ten seconds", async () => {
    const { receiver } = await startTarget();
    await announce(...Array.from({ length: count }, (_, index) => alert(index)));
    const sender = startSender();
    for (let second = 0; second <= 200; second += 5) {
      await deliver(sender);
      advance(5);
    }
    expect(receiver.received).toHaveLength(20);
    expect(new Set(keysOf(receiver)).size).toBe(count);
    for (const { body } of receiver.received) expect(body.length).toBeLessThan(512 * 1024);
  });

  test("brings the first alert at once, and what follows in one message ten seconds later", async () => {
    const { receiver } = await startTarget();
    const sender = startSender();
    for (let index = 0; index < 10; index += 1) {
      await announce(alert(index));
      await deliver(sender);
      advance(1);
    }
    expect(keysOf(receiver)).toEqual(["alert/episode-0/fired"]);
    await deliver(sender);
    expect(receiver.received).toHaveLength(2);
    expect(keysOf(receiver)).toHaveLength(10);
  });
});

describe("a test", () => {
  test("is sent once, to a disabled target too, and shows the answer", async () => {
    const { id, receiver } = await startTarget();
    await updateTarget(context, id, { disabled: true });
    receiver.behaviour = (response) => response.writeHead(404).end("no such hook");
    const { deliveryId } = await testTarget(context, id);
    await deliver();
    advance(3600);
    expect(await deliver()).toBe(0);
    const delivery = await db.notificationDelivery.findUnique({ where: { id: deliveryId }, include: { attempts: true } });
    expect(delivery).toMatchObject({ state: "failed", attempts: [{ answer: "HTTP 404", excerpt: "no such hook" }] });
    expect(receiver.received).toHaveLength(1);
  });

  test("that no controller took up in five minutes is not sent any more", async () => {
    const { id, receiver } = await startTarget();
    await testTarget(context, id);
    advance(301);
    expect(await deliver()).toBe(0);
    expect((await deliveriesOf(id))[0]).toMatchObject({ state: "failed", lastOutcome: "cancelled" });
    expect(receiver.received).toEqual([]);
  });
});

test("a disabled target gets nothing; what waited for it is kept in the log and can be sent when it is enabled", async () => {
  const { id, receiver } = await startTarget();
  await announce(alert(1));
  await updateTarget(context, id, { disabled: true });
  await announce(alert(2));
  expect(await deliver()).toBe(0);
  const [delivery] = await deliveriesOf(id);
  expect(delivery).toMatchObject({ state: "failed", lastOutcome: "cancelled", eventCount: 1 });
  await expect(resendMessage(context, delivery?.id ?? "")).rejects.toMatchObject({ code: "precondition-failed" });
  await updateTarget(context, id, { disabled: false });
  await resendMessage(context, delivery?.id ?? "");
  await deliver();
  expect(keysOf(receiver)).toEqual(["alert/episode-1/fired"]);
});

test("the log goes after 30 days, but never what still waits", async () => {
  const { id, receiver } = await startTarget();
  await announce(alert(1));
  await deliver();
  receiver.behaviour = (response) => response.writeHead(500).end();
  advance(60);
  await announce(alert(2));
  await deliver();
  expect(await pruneNotifications(db, new Date(now.getTime() + logKeptMs - 61_000))).toBe(0);
  expect(await pruneNotifications(db, new Date(now.getTime() + logKeptMs + 61_000))).toBe(1);
  expect((await deliveriesOf(id)).map(({ state }) => state)).toEqual(["pending"]);
  expect(await db.notification.count()).toBe(1);
});
