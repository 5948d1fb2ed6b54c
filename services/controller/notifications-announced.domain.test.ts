import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { announceEvents } from "#lib/domain/notifications/announce.ts";
import { updateTarget } from "#lib/domain/notifications/targets.ts";
import { describeAlertChange } from "#lib/domain/notifications/texts.ts";
import { recordProgress } from "#lib/domain/rollouts/commands.ts";
import {
  advance,
  alert,
  announce,
  clock,
  context,
  db,
  deliver,
  keysOf,
  now,
  secret,
  startTarget,
  withOutbox,
} from "./test-outbox.ts";

withOutbox();

describe("what is announced", () => {
  test("comes with the transaction that announces it, and only with it", async () => {
    const { receiver } = await startTarget();
    const undone = db.$transaction(async (transaction) => {
      await announceEvents(transaction, [describeAlertChange(alert(1))], now);
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
    expect(keysOf(receiver)).toEqual([`rollout/${rollout.id}/failed/${clock().toISOString()}`]);
    expect(JSON.parse(receiver.received[0]?.body ?? "").data.title).toBe("Rollout from 2.0.0 to 2.1.0 of fleet/relay failed");
  });

  test("is stored although a filter cannot be read, or names kinds of a later version", async () => {
    const [later, broken, good] = [await startTarget(), await startTarget(), await startTarget()];
    const setFilter = (id: string, filter: object) => db.notificationTarget.update({ where: { id }, data: { filter } });
    await setFilter(later.id, { events: ["alert-fired", "moon-rises"] });
    await setFilter(broken.id, { what: "is this" });
    await announce(alert(1));
    await deliver();
    expect([later, broken, good].map(({ receiver }) => keysOf(receiver).length)).toEqual([1, 0, 1]);
  });

  test("is told again when its end was taken back, with its next end", async () => {
    const { receiver } = await startTarget();
    const ended = { kind: "resolved", endsAt: now } as const;
    await announce(alert(1), alert(1, ended), alert(1, { round: 2 }), alert(1, { ...ended, round: 2 }));
    await deliver();
    expect(keysOf(receiver).toSorted()).toEqual([
      "alert/episode-1/fired",
      "alert/episode-1/fired/2",
      "alert/episode-1/resolved",
      "alert/episode-1/resolved/2",
    ]);
  });
});
