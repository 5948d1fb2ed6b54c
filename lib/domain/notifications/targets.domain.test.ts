import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { testTarget } from "./messages.ts";
import { listTargets } from "./queries.ts";
import { openSecrets } from "./secrets.ts";
import { createTarget, removeTarget, rotateSigningSecret, updateTarget } from "./targets.ts";
import { type NotificationWorld, startNotificationWorld } from "./test-world.ts";

let world: NotificationWorld;
let db: Database;
let sealer: Sealer;
const now = new Date("2026-11-21T03:00:00Z");
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
});
afterAll(() => world?.drop());
beforeEach(async () => {
  world.setClock(now);
  await db.notificationTarget.deleteMany();
  await db.auditEntry.deleteMany();
});

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
    expect(target.settings).toEqual({ kind: "webhook", address: "https://ops.example.org/…" });
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
    expect(target).toMatchObject({ name: "night shift", disabled: true, settings: { address: "https://new.example.org/…" } });
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
