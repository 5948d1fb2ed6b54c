import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { testContext } from "../actions/test-fleet.ts";
import type { Context } from "../context.ts";
import { changePassword, createUser, ensureAdministrator, updateUser } from "./commands.ts";
import { findSessionUser, findTokenActor, logIn } from "./login.ts";
import { createToken, ensureSystemToken, listTokens, revokeToken } from "./tokens.ts";

let db: Database;
let drop: () => Promise<void>;
const start = new Date("2026-11-01T10:00:00Z");
const minutes = (count: number) => new Date(start.getTime() + count * 60_000);
const password = "a long enough password";

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await db.apiToken.deleteMany();
  await db.user.deleteMany();
  await db.loginAttempt.deleteMany();
  await db.auditEntry.deleteMany();
});

const noCluster = null as unknown as KubernetesClient;
const admin = (): Context => testContext({ db, kubernetes: noCluster, clock: () => start }, { role: "admin", name: "ada" });
const makeUser = (username: string, role: "viewer" | "operator" | "admin" = "operator") =>
  createUser(admin(), { username, name: username, role, password });
async function contextOf(
  user: { id: string; username: string; role: "viewer" | "operator" | "admin" },
  now = start,
): Promise<Context> {
  const context = testContext({ db, kubernetes: noCluster, clock: () => now }, { role: user.role, name: user.username });
  return { ...context, actor: { ...context.actor, id: user.id } };
}
const attempt = (username: string, given: string, now: Date, address = "10.0.0.1") =>
  logIn(db, { username, password: given, address }, now);

describe("the first administrator", () => {
  test("is made once, with a password that works, also when two start at once", async () => {
    const made = (await Promise.all([ensureAdministrator(db), ensureAdministrator(db)])).filter((one) => one !== null);
    expect(made).toHaveLength(1);
    expect(await attempt("admin", made[0]?.password ?? "", start)).toMatchObject({ role: "admin" });
    expect(await ensureAdministrator(db)).toBeNull();
  });
});

describe("logging in", () => {
  test("takes the right password only, and the name in any case", async () => {
    await makeUser("olga");
    expect(await attempt(" Olga ", password, start)).toMatchObject({ username: "olga" });
    expect(await attempt("olga", `${password}!`, start)).toBeNull();
    expect(await attempt("nobody", password, start)).toBeNull();
  });

  test("is refused for a while after five failures, even with the right password, and works again later", async () => {
    await makeUser("olga");
    for (let count = 0; count < 5; count += 1) expect(await attempt("olga", "wrong", minutes(count / 2))).toBeNull();
    const blocked = attempt("olga", password, minutes(3));
    await expect(blocked).rejects.toMatchObject({ code: "too-many-attempts", details: { retryAfterSeconds: 120 } });
    expect(await attempt("olga", password, minutes(5.1))).toMatchObject({ username: "olga" });
  });

  test("counts attempts that come at once, so that parallel guesses do not slip by", async () => {
    await makeUser("olga");
    const guesses = Array.from({ length: 12 }, (_, index) => attempt("olga", `guess ${index}`, start));
    const results = await Promise.allSettled(guesses);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
  });

  test("limits unknown names as it does known ones, and one address over many names", async () => {
    for (let count = 0; count < 5; count += 1) await attempt("ghost", "wrong", start);
    await expect(attempt("ghost", "wrong", start)).rejects.toMatchObject({ code: "too-many-attempts" });
    for (let count = 0; count < 15; count += 1) await attempt(`ghost-${count}`, "wrong", start);
    await expect(attempt("another", "wrong", start)).rejects.toMatchObject({ code: "too-many-attempts" });
    expect(await attempt("another", "wrong", start, "10.0.0.2")).toBeNull();
  });

  test("is not possible for a disabled person", async () => {
    const { id } = await makeUser("olga");
    await updateUser(admin(), id, { disabled: true });
    expect(await attempt("olga", password, start)).toBeNull();
  });
});

describe("a session", () => {
  test("ends when the person is disabled, demoted, or gets a new password", async () => {
    await makeUser("ada", "admin");
    for (const change of [{ disabled: true }, { role: "viewer" }, { password: "another long password" }]) {
      const user = await makeUser(`olga-${Object.keys(change)[0]}`);
      expect(await findSessionUser(db, user.id, 0)).not.toBeNull();
      await updateUser(admin(), user.id, change);
      expect(await findSessionUser(db, user.id, 0)).toBeNull();
    }
  });

  test("ends when the person changes the password, for which the present one is needed", async () => {
    const user = await makeUser("olga");
    const context = await contextOf(user);
    await expect(changePassword(context, { current: "wrong", next: "another long password" })).rejects.toMatchObject({
      details: { fields: { current: expect.anything() } },
    });
    await changePassword(context, { current: password, next: "another long password" });
    expect(await findSessionUser(db, user.id, 0)).toBeNull();
    expect(await attempt("olga", "another long password", start)).not.toBeNull();
  });
});

describe("people", () => {
  test("are kept by administrators only, each change audited without a password", async () => {
    const user = await makeUser("olga");
    await expect(createUser(await contextOf(user), { username: "x", name: "x", role: "viewer", password })).rejects.toMatchObject(
      {
        code: "not-permitted",
      },
    );
    await updateUser(admin(), user.id, { role: "viewer", password: "another long password" });
    const entries = await db.auditEntry.findMany({ where: { targetName: "olga" } });
    expect(entries.map(({ verb }) => verb).toSorted()).toEqual(["create", "update"]);
    expect(JSON.stringify(entries)).not.toMatch(/argon2|long password/);
  });

  test("have names of their own", async () => {
    await makeUser("olga");
    await expect(makeUser("olga")).rejects.toMatchObject({
      code: "invalid-input",
      details: { fields: { username: expect.anything() } },
    });
  });

  test("always have an administrator left, also when two demote each other at once", async () => {
    const users = await Promise.all([makeUser("ada", "admin"), makeUser("bob", "admin")]);
    const results = await Promise.allSettled(users.map(({ id }) => updateUser(admin(), id, { role: "viewer" })));
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(await db.user.count({ where: { role: "admin" } })).toBe(1);
  });
});

describe("API tokens", () => {
  const input = { name: "chat bot", role: "viewer", expiresInDays: 7 } as const;

  test("work until they expire or are revoked, and are stored only as a hash", async () => {
    const context = await contextOf(await makeUser("olga"));
    const { token, secret } = await createToken(context, input);
    expect(secret).toMatch(/^swy_[\w-]{43}$/);
    expect(JSON.stringify([await db.apiToken.findMany(), await db.auditEntry.findMany()])).not.toContain(secret);
    expect(await findTokenActor(db, secret, start)).toMatchObject({ kind: "token", name: "chat bot", role: "viewer" });
    expect(await findTokenActor(db, `${secret}x`, start)).toBeNull();
    expect(await findTokenActor(db, secret, minutes(7 * 24 * 60))).toBeNull();
    await revokeToken(context, token.id);
    expect(await findTokenActor(db, secret, start)).toBeNull();
  });

  test("never have more rights than their maker, and end with their maker", async () => {
    const maker = await makeUser("olga");
    const context = await contextOf(maker);
    await expect(createToken(context, { ...input, role: "admin" })).rejects.toMatchObject({ code: "not-permitted" });
    const { secret } = await createToken(context, input);
    await updateUser(admin(), maker.id, { disabled: true });
    expect(await findTokenActor(db, secret, start)).toBeNull();
  });

  test("are seen and revoked by their maker and by administrators only", async () => {
    const [olga, otto] = await Promise.all([makeUser("olga"), makeUser("otto")]);
    const { token } = await createToken(await contextOf(olga), input);
    const other = await contextOf(otto);
    expect(await listTokens(other)).toEqual([]);
    await expect(revokeToken(other, token.id)).rejects.toMatchObject({ code: "not-found" });
    expect(await listTokens(admin())).toHaveLength(1);
    expect(await revokeToken(admin(), token.id)).toMatchObject({ revokedAt: start.toISOString() });
  });

  test("note their last use at most once a minute", async () => {
    const { secret, token } = await createToken(await contextOf(await makeUser("olga")), input);
    const lastUsed = async (now: Date) => {
      await findTokenActor(db, secret, now);
      return (await db.apiToken.findUniqueOrThrow({ where: { id: token.id } })).lastUsedAt;
    };
    expect(await lastUsed(start)).toEqual(start);
    expect(await lastUsed(minutes(0.9))).toEqual(start);
    expect(await lastUsed(minutes(1))).toEqual(minutes(1));
  });

  test("of the system follow their secret", async () => {
    const system = { name: "Prometheus discovery", role: "viewer" } as const;
    const [first, second] = ["swy_first-secret-of-enough-length-0123456", "swy_second-secret-of-enough-length-012345"];
    await ensureSystemToken(db, { ...system, secret: first });
    await ensureSystemToken(db, { ...system, secret: first });
    expect(await db.apiToken.count()).toBe(1);
    await ensureSystemToken(db, { ...system, secret: second });
    expect(await findTokenActor(db, first, new Date())).toBeNull();
    expect(await findTokenActor(db, second, new Date())).toMatchObject({ role: "viewer" });
    await ensureSystemToken(db, { ...system, secret: first });
    expect(await findTokenActor(db, first, new Date())).not.toBeNull();
  });
});
