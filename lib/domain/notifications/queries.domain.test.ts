import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { announceEvents } from "./announce.ts";
import { resendMessage, testTarget } from "./messages.ts";
import { getDelivery, listDeliveries } from "./queries.ts";
import { createTarget } from "./targets.ts";
import { type NotificationWorld, startNotificationWorld } from "./test-world.ts";
import { describeAlertChange } from "./texts.ts";

let world: NotificationWorld;
let now: Date;
const as: NotificationWorld["as"] = (role) => world.as(role);

beforeAll(async () => {
  world = await startNotificationWorld();
});
afterAll(() => world?.drop());
beforeEach(async () => {
  setNow(new Date("2026-11-21T03:00:00Z"));
  await world.db.notificationTarget.deleteMany();
  await world.db.auditEntry.deleteMany();
});

function setNow(given: Date) {
  now = given;
  world.setClock(given);
}

async function makeTarget(name = "ops"): Promise<string> {
  const settings = { url: "https://ops.example.org/" };
  const { target } = await createTarget(as("admin"), { kind: "webhook", name, filter: { events: ["alert-fired"] }, settings });
  return target.id;
}

describe("the log", () => {
  test("shows what receivers answered to administrators only", async () => {
    const id = await makeTarget();
    const { deliveryId } = await testTarget(as("admin"), id);
    await world.db.notificationAttempt.create({
      data: {
        deliveryId,
        at: now,
        durationMs: 12,
        outcome: "refused",
        answer: "HTTP 401",
        excerpt: "internal detail",
        error: "No.",
      },
    });
    expect((await getDelivery(as("admin"), deliveryId)).log[0]).toMatchObject({ answer: "HTTP 401", excerpt: "internal detail" });
    expect((await getDelivery(as("operator"), deliveryId)).log[0]).toMatchObject({ answer: "HTTP 401", excerpt: null });
  });

  test("is read page by page, by target, state and event", async () => {
    const id = await makeTarget();
    const other = await makeTarget("other");
    for (let index = 0; index < 5; index += 1) {
      setNow(new Date(now.getTime() + 1000));
      await testTarget(as("admin"), index % 2 === 0 ? id : other);
    }
    const first = await listDeliveries(as("viewer"), { limit: 2 });
    const second = await listDeliveries(as("viewer"), { limit: 2, cursor: first.nextCursor });
    const third = await listDeliveries(as("viewer"), { limit: 2, cursor: second.nextCursor });
    const all = [...first.items, ...second.items, ...third.items];
    expect(new Set(all.map((item) => item.id)).size).toBe(5);
    expect(third.nextCursor).toBeNull();
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .toReversed(),
    );
    expect((await listDeliveries(as("viewer"), { target: id })).items).toHaveLength(3);
    expect((await listDeliveries(as("viewer"), { state: "failed" })).items).toHaveLength(0);
    expect((await listDeliveries(as("viewer"), { event: "test" })).items).toHaveLength(5);
    expect((await listDeliveries(as("viewer"), { event: "alert-fired" })).items).toHaveLength(0);
  });

  test("lets operators send again what was given up, once", async () => {
    const id = await makeTarget();
    await world.db.$transaction((transaction) =>
      announceEvents(
        transaction,
        [
          describeAlertChange({
            episodeId: "e",
            kind: "fired",
            name: "A",
            severity: "critical",
            namespace: null,
            service: null,
            summary: null,
            startsAt: now,
            endsAt: null,
          }),
        ],
        now,
      ),
    );
    const delivery = await world.db.notificationDelivery.create({
      data: {
        targetId: id,
        title: "A",
        eventCount: 1,
        state: "failed",
        createdAt: now,
        giveUpAt: now,
        attemptCount: 30,
        settledAt: now,
      },
    });
    await expect(resendMessage(as("viewer"), delivery.id)).rejects.toMatchObject({ code: "not-permitted" });
    setNow(new Date(now.getTime() + 3_600_000));
    await resendMessage(as("operator"), delivery.id);
    expect(await world.db.notificationDelivery.findUnique({ where: { id: delivery.id } })).toMatchObject({
      state: "pending",
      attemptCount: 0,
      nextAttemptAt: now,
      giveUpAt: new Date(now.getTime() + 86_400_000),
    });
    await expect(resendMessage(as("operator"), delivery.id)).rejects.toMatchObject({ code: "precondition-failed" });
    expect(await world.db.auditEntry.count({ where: { verb: "send-again" } })).toBe(1);
  });
});
