import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { type AlertChange, announceEvents } from "#lib/domain/notifications/announce.ts";
import { createTarget, type SealingContext } from "#lib/domain/notifications/targets.ts";
import { type NotificationWorld, startNotificationWorld } from "#lib/domain/notifications/test-world.ts";
import { describeAlertChange } from "#lib/domain/notifications/texts.ts";
import { TestReceiver } from "#lib/notify/test-receiver.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { NotificationSender, type NotificationSettings } from "./notifications.ts";

let world: NotificationWorld;
/** What the tests of the sender have: a database, an administrator, and the time, which `advance` moves. */
export let db: Database;
export let context: SealingContext;
export let now: Date;
export const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
export const clock = () => now;
const receivers: TestReceiver[] = [];
const senders: NotificationSender[] = [];

/** Registers what starts and ends it around the tests of a file. */
export function withOutbox(): void {
  beforeAll(async () => {
    world = await startNotificationWorld();
    ({ db } = world);
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
}

export function setNow(given: Date): void {
  now = given;
  world.setClock(given);
}
export const advance = (seconds: number) => setNow(new Date(now.getTime() + seconds * 1000));

export function startSender(settings: Partial<NotificationSettings> = {}): NotificationSender {
  const logger = createLogger("test", "silent");
  const base = { sealer: world.sealer, baseUrl: "https://switchyard.example.org/", timeoutMs: 5_000 };
  const sender = new NotificationSender({ db, clock, logger }, { ...base, ...settings });
  senders.push(sender);
  return sender;
}

/** One pass, and whatever it began to its end. */
export async function deliver(sender = startSender()): Promise<number> {
  const count = await sender.pass();
  await sender.settled();
  return count;
}

export async function startTarget(kind: "webhook" | "slack" = "webhook", name: string = randomUUID()) {
  const receiver = await TestReceiver.start();
  receivers.push(receiver);
  const settings = kind === "webhook" ? { url: receiver.url, signingSecret: secret } : { url: receiver.url };
  const filter = { events: ["alert-fired", "alert-resolved", "rollout-failed", "rollout-finished"] };
  const { target } = await createTarget(context, { kind, name, filter, settings });
  return { id: target.id, receiver };
}

export const alert = (index: number, given: Partial<AlertChange> = {}): AlertChange => ({
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

export const announce = (...changes: AlertChange[]) =>
  db.$transaction((transaction) => announceEvents(transaction, changes.map(describeAlertChange), now), { timeout: 60_000 });

export const keysOf = (receiver: TestReceiver): string[] =>
  receiver.received.flatMap(({ body }) => JSON.parse(body).data.events.map(({ key }: { key: string }) => key));
export const idsOf = (receiver: TestReceiver) => receiver.received.map(({ headers }) => headers["webhook-id"]);
export const deliveriesOf = (targetId: string) =>
  db.notificationDelivery.findMany({ where: { targetId }, orderBy: [{ createdAt: "asc" }], include: { attempts: true } });
