import { describe, expect, test } from "vitest";
import { resendMessage, testTarget } from "#lib/domain/notifications/messages.ts";
import { logKeptMs } from "#lib/domain/notifications/policy.ts";
import { pruneNotifications } from "#lib/domain/notifications/retention.ts";
import { updateTarget } from "#lib/domain/notifications/targets.ts";
import {
  advance,
  alert,
  announce,
  context,
  db,
  deliver,
  deliveriesOf,
  keysOf,
  now,
  startSender,
  startTarget,
  withOutbox,
} from "./test-outbox.ts";

withOutbox();

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

  test("is not counted as an attempt, as everything else is", async () => {
    const { id } = await startTarget("webhook", "ops");
    const counted: unknown[] = [];
    const sender = startSender({ onAttempt: ({ kind, name }, outcome) => counted.push([kind, name, outcome]) });
    await testTarget(context, id);
    await deliver(sender);
    await announce(alert(1));
    await deliver(sender);
    expect(counted).toEqual([["webhook", "ops", "delivered"]]);
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
