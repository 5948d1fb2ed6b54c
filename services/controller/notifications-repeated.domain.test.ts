import { describe, expect, test } from "vitest";
import { claimDeliveries } from "#lib/domain/notifications/claim.ts";
import { resendMessage, testTarget } from "#lib/domain/notifications/messages.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import {
  advance,
  alert,
  announce,
  clock,
  context,
  db,
  deliver,
  deliveriesOf,
  idsOf,
  keysOf,
  now,
  setNow,
  startSender,
  startTarget,
  withOutbox,
} from "./test-outbox.ts";

withOutbox();

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
    const { value: held } = await claimDeliveries({ db, clock }, 60_000).next();
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

  test("and one whose messages cannot be claimed hold up nobody else, and the pass says that it failed", async () => {
    const [odd, good] = [await startTarget(), await startTarget()];
    await announce(alert(1));
    const sender = startSender();
    await db.$executeRawUnsafe(`ALTER TABLE notification_deliveries ADD CONSTRAINT odd CHECK (target_id <> '${odd.id}')`);
    await expect(sender.pass()).rejects.toThrow();
    await sender.settled();
    await db.$executeRaw`ALTER TABLE notification_deliveries DROP CONSTRAINT odd`;
    expect(keysOf(good.receiver)).toEqual(["alert/episode-1/fired"]);
  });
});
