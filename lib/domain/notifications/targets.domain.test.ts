import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { announceAlertChanges } from "./announce.ts";
import { resendMessage, testTarget } from "./messages.ts";
import { previewFilter } from "./preview.ts";
import { getDelivery, listDeliveries, listTargets } from "./queries.ts";
import { openSecrets } from "./secrets.ts";
import { createTarget, removeTarget, rotateSigningSecret, updateTarget } from "./targets.ts";
import { type NotificationWorld, startNotificationWorld } from "./test-world.ts";

let world: NotificationWorld;
let db: Database;
let sealer: Sealer;
let now: Date;
const filter = { events: ["alert-fired" as const] };
const url = "https://ops.example.org/hooks/very-secret-part-4711?token=t0k3n";
const mail = {
  host: "mail.example.org",
  port: 587,
  security: "starttls" as const,
  username: "olga",
  from: "Switchyard <switchyard@example.org>",
  to: ["ops@example.org"],
};

beforeAll(async () => {
  world = await startNotificationWorld();
  ({ db, sealer } = world);
  setNow(new Date("2026-11-21T03:00:00Z"));
});
afterAll(() => world?.drop());
beforeEach(async () => {
  setNow(new Date("2026-11-21T03:00:00Z"));
  await db.notificationTarget.deleteMany();
  await db.auditEntry.deleteMany();
});

function setNow(given: Date) {
  now = given;
  world.setClock(given);
}
const as: NotificationWorld["as"] = (role, withSealer) => world.as(role, withSealer);

async function makeWebhook(name = "ops") {
  const { target, signingSecret } = await createTarget(as("admin"), { kind: "webhook", name, filter, settings: { url } });
  return { id: target.id, target, signingSecret: signingSecret ?? "" };
}

async function secretsOf(id: string) {
  return openSecrets(sealer, await db.notificationTarget.findUniqueOrThrow({ where: { id } }));
}

const fieldsOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    ({ details }) => Object.keys(details.fields ?? {}),
  );

describe("a target", () => {
  test("is made with a signing secret that is shown once", async () => {
    const { id, target, signingSecret } = await makeWebhook();
    expect(signingSecret).toMatch(/^whsec_/);
    expect(target.settings).toEqual({ kind: "webhook", address: "https://ops.example.org/hooks/…?…" });
    expect(await secretsOf(id)).toEqual({ url, signing: [{ secret: signingSecret, until: null }] });
  });

  test("shows its secrets nowhere: not in lists, not in the audit, not in its row", async () => {
    const { id, signingSecret } = await makeWebhook();
    await createTarget(as("admin"), { kind: "slack", name: "chat", filter, settings: { url: `${url}2` } });
    const settings = { ...mail, password: "correct horse" };
    const { target } = await createTarget(as("admin"), { kind: "email", name: "mail", filter, settings });
    await updateTarget(as("admin"), target.id, { settings: { ...mail, password: "other battery" } });
    const rotated = await rotateSigningSecret(as("admin"), id);
    const shown = JSON.stringify([
      await listTargets(as("admin")),
      await db.auditEntry.findMany(),
      await db.notificationTarget.findMany(),
      target,
    ]);
    const plain = ["very-secret-part", "t0k3n", signingSecret, rotated.signingSecret ?? "", "correct horse", "other battery"];
    for (const secret of plain) expect(shown.includes(secret), secret).toBe(false);
    expect((await db.auditEntry.findMany({ orderBy: { at: "asc" } })).map(({ verb }) => verb).toSorted()).toEqual([
      "create",
      "create",
      "create",
      "rotate-secret",
      "update",
    ]);
  });

  test("is changed by administrators only, and its name is free", async () => {
    const { id } = await makeWebhook();
    for (const role of ["viewer", "operator"] as const) {
      const refused = [
        createTarget(as(role), { kind: "slack", name: "x", filter, settings: { url } }),
        updateTarget(as(role), id, { disabled: true }),
        rotateSigningSecret(as(role), id),
        removeTarget(as(role), id),
        testTarget(as(role), id),
      ];
      for (const attempt of refused) await expect(attempt).rejects.toMatchObject({ code: "not-permitted" });
    }
    await expect(makeWebhook()).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { name: [expect.any(String)] } },
    });
    expect(await db.notificationTarget.count()).toBe(1);
  });

  test("keeps what a change leaves out", async () => {
    const { id, signingSecret } = await makeWebhook();
    await updateTarget(as("admin"), id, { name: "night shift", disabled: true });
    await updateTarget(as("admin"), id, { settings: {} });
    expect(await secretsOf(id)).toMatchObject({ url });
    const { target } = await updateTarget(as("admin"), id, { settings: { url: "https://new.example.org/hook" } });
    expect(target).toMatchObject({ name: "night shift", disabled: true, settings: { address: "https://new.example.org/hook" } });
    expect(await secretsOf(id)).toEqual({
      url: "https://new.example.org/hook",
      signing: [{ secret: signingSecret, until: null }],
    });
  });

  test("signs with the secret before for a day after a rotation, and not with the one before that", async () => {
    const { id, signingSecret } = await makeWebhook();
    const second = await rotateSigningSecret(as("admin"), id);
    const third = await rotateSigningSecret(as("admin"), id);
    expect((await secretsOf(id)).signing).toEqual([
      { secret: third.signingSecret, until: null },
      { secret: second.signingSecret, until: "2026-11-22T03:00:00.000Z" },
    ]);
    expect(new Set([signingSecret, second.signingSecret, third.signingSecret]).size).toBe(3);
  });

  test.each([
    ["ftp://ops.example.org/", "settings.url"],
    ["https://olga:pw@ops.example.org/", "settings.url"],
    ["http://169.254.169.254/latest", "settings.url"],
    ["http://[::ffff:a9fe:a9fe]/", "settings.url"],
    ["not an address", "settings.url"],
  ])("takes no address like %s", async (bad, field) => {
    const made = createTarget(as("admin"), { kind: "webhook", name: "x", filter, settings: { url: bad } });
    expect(await fieldsOf(made)).toEqual([field]);
    const { id } = await makeWebhook();
    expect(await fieldsOf(updateTarget(as("admin"), id, { settings: { url: bad } }))).toEqual([field]);
  });

  test("goes with all that belongs to it", async () => {
    const { id } = await makeWebhook();
    await testTarget(as("admin"), id);
    await removeTarget(as("admin"), id);
    expect([await db.notification.count(), await db.notificationDelivery.count()]).toEqual([0, 0]);
    await expect(removeTarget(as("admin"), id)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a mail server's password", () => {
  const make = async (settings: object = { ...mail, password: "correct horse" }) =>
    (await createTarget(as("admin"), { kind: "email", name: "mail", filter, settings })).target;
  const change = (id: string, settings: object) => updateTarget(as("admin"), id, { settings: { ...mail, ...settings } });

  test("stays when it is left out, and is taken away with null", async () => {
    const { id } = await make();
    expect((await change(id, { to: ["a@example.org", "b@example.org"] })).target.settings).toMatchObject({ hasPassword: true });
    expect(await secretsOf(id)).toEqual({ password: "correct horse" });
    expect((await change(id, { password: null })).target.settings).toMatchObject({ hasPassword: false, username: "olga" });
    expect(await secretsOf(id)).toEqual({});
  });

  test.each([{ host: "evil.example.org" }, { port: 2525 }, { security: "tls" }, { username: "eve" }])(
    "is not sent elsewhere than it was entered for: %o wants it again",
    async (elsewhere) => {
      const { id } = await make();
      expect(await fieldsOf(change(id, elsewhere))).toEqual(["settings.password"]);
      await change(id, { ...elsewhere, password: "correct horse" });
      expect(await secretsOf(id)).toEqual({ password: "correct horse" });
    },
  );

  test("never goes over a plain connection, and needs a user name", async () => {
    expect(await fieldsOf(make({ ...mail, security: "none", password: "p" }))).toEqual(["settings.security"]);
    expect(await fieldsOf(make({ ...mail, username: null, password: "p" }))).toEqual(["settings.username"]);
    const { id } = await make();
    expect(await fieldsOf(change(id, { security: "none" }))).toEqual(["settings.security"]);
    const { target } = await change(id, { security: "none", username: null });
    expect(target.settings).toMatchObject({ hasPassword: false });
    expect(await secretsOf(id)).toEqual({});
  });
});

describe("with another encryption key", () => {
  const other = new Sealer("another key of the tests, also more than 32 characters");

  test("a webhook's address can be entered anew, with a new signing secret", async () => {
    const { id } = await makeWebhook();
    await expect(rotateSigningSecret(as("admin", other), id)).rejects.toMatchObject({ code: "precondition-failed" });
    const { signingSecret } = await updateTarget(as("admin", other), id, { settings: { url } });
    expect(signingSecret).toMatch(/^whsec_/);
    const row = await db.notificationTarget.findUniqueOrThrow({ where: { id } });
    expect(openSecrets(other, row)).toEqual({ url, signing: [{ secret: signingSecret, until: null }] });
  });

  test("a mail target can be renamed, but its settings want the password again", async () => {
    const settings = { ...mail, password: "correct horse" };
    const { target } = await createTarget(as("admin"), { kind: "email", name: "mail", filter, settings });
    await updateTarget(as("admin", other), target.id, { name: "post" });
    expect(await fieldsOf(updateTarget(as("admin", other), target.id, { settings: mail }))).toEqual(["settings.password"]);
    await updateTarget(as("admin", other), target.id, { settings });
  });
});

describe("the preview of a filter", () => {
  beforeAll(async () => {
    const source = await db.alertSource.create({
      data: { name: "embedded", secretHash: "x", secretPrefix: "x", createdAt: now, createdByName: "test" },
    });
    const episode = (index: number, severity: string, service: string | null, hoursAgo: number, isOver = false) => {
      const startsAt = new Date(now.getTime() - hoursAgo * 3_600_000);
      return {
        sourceId: source.id,
        fingerprint: `f${index}`,
        name: "A",
        severity,
        namespace: "fleet",
        service,
        labels: {},
        annotations: {},
        state: isOver ? ("resolved" as const) : ("firing" as const),
        startsAt,
        endsAt: isOver ? new Date(startsAt.getTime() + 60_000) : null,
        firstReceivedAt: startsAt,
        lastReceivedAt: startsAt,
        silencedBy: [],
      };
    };
    await db.alertEpisode.createMany({
      data: [
        episode(1, "critical", "relay", 1, true),
        episode(2, "critical", "hub", 2),
        episode(3, "warning", "relay", 23),
        episode(4, "critical", "relay", 25),
        episode(5, "critical", null, 3),
      ],
    });
  });

  const preview = (given: object) =>
    previewFilter(as("admin"), { filter: { events: ["alert-fired", "alert-resolved"], ...given } });

  test("counts what would have passed in the last 24 hours, by kind, severity and service", async () => {
    expect(await preview({})).toMatchObject({ matched: 5, total: 5, uncounted: [] });
    expect(await preview({ severities: ["critical"] })).toMatchObject({ matched: 4 });
    expect(await preview({ severities: ["critical"], services: ["fleet/relay"] })).toEqual({
      matched: 2,
      total: 5,
      byEvent: [
        { event: "alert-fired", matched: 1, total: 4 },
        { event: "alert-resolved", matched: 1, total: 1 },
      ],
      uncounted: [],
    });
    expect(await preview({ events: ["feed-lost"] })).toMatchObject({ matched: 0, uncounted: ["feed-lost"] });
  });
});

describe("the log", () => {
  test("shows what receivers answered to administrators only", async () => {
    const { id } = await makeWebhook();
    const { deliveryId } = await testTarget(as("admin"), id);
    await db.notificationAttempt.create({
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
    const { id } = await makeWebhook();
    const other = await makeWebhook("other");
    for (let index = 0; index < 5; index += 1) {
      setNow(new Date(now.getTime() + 1000));
      await testTarget(as("admin"), index % 2 === 0 ? id : other.id);
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
    const { id } = await makeWebhook();
    await db.$transaction((transaction) =>
      announceAlertChanges(
        transaction,
        [
          {
            episodeId: "e",
            kind: "fired",
            name: "A",
            severity: "critical",
            namespace: null,
            service: null,
            summary: null,
            startsAt: now,
            endsAt: null,
          },
        ],
        now,
      ),
    );
    const delivery = await db.notificationDelivery.create({
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
    expect(await db.notificationDelivery.findUnique({ where: { id: delivery.id } })).toMatchObject({
      state: "pending",
      attemptCount: 0,
      nextAttemptAt: now,
      giveUpAt: new Date(now.getTime() + 86_400_000),
    });
    await expect(resendMessage(as("operator"), delivery.id)).rejects.toMatchObject({ code: "precondition-failed" });
    expect(await db.auditEntry.count({ where: { verb: "send-again" } })).toBe(1);
  });
});
