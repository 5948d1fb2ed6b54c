import { randomUUID } from "node:crypto";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, transact } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId } from "../validation.ts";
import { toRow } from "./announce.ts";
import { giveUpAfterMs } from "./policy.ts";

/** Queues a test message, which a controller sends at once and once, to a disabled target too; administrators only. */
export async function testTarget(context: Context, targetId: string): Promise<{ deliveryId: string }> {
  authorise(context, "admin", "send test notifications");
  const { actor, clock } = context;
  const now = clock();
  const deliveryId = randomUUID();
  await transact(context, async (transaction) => {
    const target = await transaction.notificationTarget.findUnique({ where: { id: parseId(targetId, "notification target") } });
    if (!target) throw new DomainError("not-found", "There is no notification target with this id.");
    const title = `Test of ${target.name}`;
    const text = `${actor.name} sent this from Switchyard's settings. Nothing is wrong.`;
    const subject = {
      event: "test",
      key: `test/${deliveryId}`,
      subject: "test",
      title,
      text,
      path: "/settings/notifications",
    } as const;
    const row = toRow(targetId, { ...subject, severity: null, namespace: null, service: null, at: now }, now);
    await transaction.notificationDelivery.create({
      data: {
        id: deliveryId,
        targetId,
        isTest: true,
        title,
        eventCount: 1,
        state: "pending",
        createdAt: now,
        nextAttemptAt: now,
        giveUpAt: now,
      },
    });
    await transaction.notification.create({ data: { ...row, deliveryId } });
    await writeAudit(transaction, context, {
      verb: "test",
      targetKind: "notification-target",
      targetName: target.name,
      targetUid: targetId,
      outcome: "succeeded",
    });
  });
  return { deliveryId };
}

/** Sends a message that was given up again, for another 24 hours; operators and administrators. */
export async function resendMessage(context: Context, deliveryId: string): Promise<{ deliveryId: string }> {
  authorise(context, "operator", "send messages again");
  const now = context.clock();
  await transact(context, async (transaction) => {
    const message = await transaction.notificationDelivery.findUnique({
      where: { id: parseId(deliveryId, "message") },
      include: { target: { select: { name: true, disabledAt: true } } },
    });
    if (!message) throw new DomainError("not-found", "There is no message with this id.");
    if (message.isTest) throw new DomainError("precondition-failed", "A test is not sent again; send a new one.");
    if (message.target.disabledAt) throw new DomainError("precondition-failed", "The target is disabled; enable it first.");
    const { count } = await transaction.notificationDelivery.updateMany({
      where: { id: deliveryId, state: "failed" },
      data: {
        state: "pending",
        attemptCount: 0,
        nextAttemptAt: now,
        giveUpAt: new Date(now.getTime() + giveUpAfterMs),
        settledAt: null,
      },
    });
    if (count === 0) throw new DomainError("precondition-failed", "Only a message that was given up can be sent again.");
    await writeAudit(transaction, context, {
      verb: "send-again",
      targetKind: "notification-target",
      targetName: message.target.name,
      targetUid: message.targetId,
      after: { message: deliveryId, title: message.title, events: message.eventCount },
      outcome: "succeeded",
    });
  });
  return { deliveryId };
}
