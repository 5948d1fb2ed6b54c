import { randomBytes } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { User } from "#lib/database/generated/client.ts";
import { writeAudit } from "../audit.ts";
import { type Actor, authorise, type Context, isUniqueViolation, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";
import {
  changePasswordSchema,
  createUserSchema,
  type PersonView,
  type SessionView,
  type UserView,
  updateUserSchema,
} from "./schemas.ts";

export { ensureSystemToken } from "./tokens.ts";

/** Switchyard itself as an actor, with an administrator's rights. */
export const systemActor: Actor = { kind: "system", id: null, name: "switchyard", role: "admin" };

/** Adds a person; administrators only. */
export async function createUser(context: Context, input: unknown): Promise<UserView> {
  authorise(context, "admin", "add people");
  const { username, name, role, password } = parseInput(createUserSchema, input);
  const passwordHash = await hashPassword(password);
  try {
    return await transact(context, async (transaction) => {
      const user = await transaction.user.create({ data: { username, name, role, passwordHash, createdAt: context.clock() } });
      await writeAudit(transaction, context, {
        verb: "create",
        targetKind: "user",
        targetName: username,
        after: { name, role },
        outcome: "succeeded",
      });
      return viewUser(user);
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new DomainError("invalid-input", "This user name is taken.", { fields: { username: ["This user name is taken."] } });
  }
}

/**
 * Changes a person; administrators only. A new role or password, and being disabled, end every session of theirs. The last
 * administrator cannot be disabled or demoted.
 */
export async function updateUser(context: Context, id: string, input: unknown): Promise<UserView> {
  authorise(context, "admin", "change people");
  const { name, role, disabled, password } = parseInput(updateUserSchema, input);
  const passwordHash = password === undefined ? undefined : await hashPassword(password);
  return transact(context, async (transaction) => {
    // One lock for all changes of people, so that two administrators cannot demote each other at once.
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('users', 0))`;
    const before = await transaction.user.findUnique({ where: { id: parseId(id, "person") } });
    if (!before) throw new DomainError("not-found", "There is no person with this id.");
    const losesAdmin =
      before.role === "admin" && !before.disabledAt && (disabled === true || (role !== undefined && role !== "admin"));
    if (losesAdmin && (await transaction.user.count({ where: { role: "admin", disabledAt: null } })) <= 1) {
      throw new DomainError("precondition-failed", "This is the last administrator; name another one first.");
    }
    const endsSessions = passwordHash !== undefined || disabled !== undefined || (role !== undefined && role !== before.role);
    const disabledAt = disabled === undefined ? undefined : disabled ? (before.disabledAt ?? context.clock()) : null;
    const after = await transaction.user.update({
      where: { id },
      data: { name, role, passwordHash, disabledAt, sessionEpoch: endsSessions ? { increment: 1 } : undefined },
    });
    await writeAudit(transaction, context, {
      verb: "update",
      targetKind: "user",
      targetName: before.username,
      before: auditedFields(before),
      after: { ...auditedFields(after), ...(passwordHash ? { password: "changed" } : {}) },
      outcome: "succeeded",
    });
    return viewUser(after);
  });
}

/** Changes one's own password and ends every other session of one's own; the present session has to log in again, too. */
export async function changePassword(context: Context, input: unknown): Promise<void> {
  const { current, next } = parseInput(changePasswordSchema, input);
  const { actor } = context;
  if (actor.kind !== "user" || !actor.id) throw new DomainError("not-permitted", "Only a person has a password.");
  const user = await translateDatabaseErrors(() => context.db.user.findUniqueOrThrow({ where: { id: actor.id ?? "" } }));
  if (!(await verifyPassword(current, user.passwordHash))) {
    throw new DomainError("invalid-input", "The present password is not right.", {
      fields: { current: ["This is not your present password."] },
    });
  }
  const passwordHash = await hashPassword(next);
  await transact(context, async (transaction) => {
    await transaction.user.update({ where: { id: user.id }, data: { passwordHash, sessionEpoch: { increment: 1 } } });
    await writeAudit(transaction, context, {
      verb: "change-password",
      targetKind: "user",
      targetName: user.username,
      outcome: "succeeded",
    });
  });
}

/** All people, by user name; administrators only. */
export async function listUsers(context: Context): Promise<UserView[]> {
  authorise(context, "admin", "see the list of people");
  const users = await translateDatabaseErrors(() => context.db.user.findMany({ orderBy: { username: "asc" }, take: 1000 }));
  return users.map(viewUser);
}

/** Who may be named as somebody's owner, commander or responder, by user name. */
export async function listPeople(context: Context): Promise<PersonView[]> {
  authorise(context, "viewer", "see who works here");
  return translateDatabaseErrors(() =>
    context.db.user.findMany({
      where: { disabledAt: null },
      select: { username: true, name: true, role: true },
      orderBy: { username: "asc" },
      take: 1000,
    }),
  );
}

/** Who is looking at the page. */
export async function getSessionView(context: Context): Promise<SessionView> {
  const { actor, db } = context;
  const user =
    actor.kind === "user" && actor.id
      ? await translateDatabaseErrors(() => db.user.findUnique({ where: { id: actor.id ?? "" } }))
      : null;
  return { id: actor.id ?? "", username: actor.name, name: user?.name ?? actor.name, role: actor.role };
}

/** Makes the first administrator with a generated password when there is no person at all; null when there is one. */
export async function ensureAdministrator(db: Database): Promise<{ username: string; password: string } | null> {
  if ((await db.user.count()) > 0) return null;
  const username = "admin";
  const password = randomBytes(15).toString("base64url");
  const passwordHash = await hashPassword(password);
  return transact({ db }, async (transaction) => {
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('users', 0))`;
    if ((await transaction.user.count()) > 0) return null;
    await transaction.user.create({ data: { username, name: "Administrator", role: "admin", passwordHash } });
    await writeAudit(
      transaction,
      { actor: systemActor, clock: () => new Date(), requestId: "first-start" },
      { verb: "create", targetKind: "user", targetName: username, after: { role: "admin" }, outcome: "succeeded" },
    );
    return { username, password };
  });
}

function auditedFields({ name, role, disabledAt }: User) {
  return { name, role, disabled: disabledAt !== null };
}

function viewUser(user: User): UserView {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    role: user.role,
    disabled: user.disabledAt !== null,
    createdAt: user.createdAt.toISOString(),
    lastLoginAt: user.lastLoginAt?.toISOString() ?? null,
  };
}
