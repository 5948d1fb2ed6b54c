import type { Database } from "#lib/database/client.ts";
import type { User } from "#lib/database/generated/client.ts";
import { type Actor, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { verifyNothing, verifyPassword } from "./passwords.ts";
import { tokenHash } from "./tokens.ts";

/** Failed attempts within the window that are allowed for one name and from one address. */
export const loginLimits = { windowMs: 5 * 60_000, perUsername: 5, perAddress: 20 };

export type LoginInput = { username: string; password: string; address: string };

/**
 * Checks a name and a password. Returns null when they do not belong together or the person is disabled; throws
 * too-many-attempts with the wait. An attempt is counted before its password is checked, so that parallel ones cannot slip by.
 */
export async function logIn(db: Database, input: LoginInput, now: Date): Promise<User | null> {
  const username = input.username.trim().toLowerCase().slice(0, 63);
  const attempt = await reserveAttempt(db, username, input.address, now);
  const user = await translateDatabaseErrors(() => db.user.findUnique({ where: { username } }));
  const password = input.password.slice(0, 256);
  const matches = user ? await verifyPassword(password, user.passwordHash) : await verifyNothing(password);
  if (!user || !matches || user.disabledAt) return null;
  await transact({ db }, async (transaction) => {
    await transaction.loginAttempt.update({ where: { id: attempt }, data: { succeeded: true } });
    await transaction.user.update({ where: { id: user.id }, data: { lastLoginAt: now } });
  });
  return user;
}

async function reserveAttempt(db: Database, username: string, address: string, now: Date): Promise<string> {
  const since = new Date(now.getTime() - loginLimits.windowMs);
  return transact({ db }, async (transaction) => {
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`login:${username}`}, 0))`;
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`login-from:${address}`}, 0))`;
    const ofName = await failuresSince(transaction, { username }, since);
    const ofAddress = await failuresSince(transaction, { address }, since);
    const blocked = [blockedUntil(ofName, loginLimits.perUsername), blockedUntil(ofAddress, loginLimits.perAddress)];
    const until = Math.max(...blocked);
    if (until > now.getTime()) throw tooManyAttempts(Math.ceil((until - now.getTime()) / 1000));
    const { id } = await transaction.loginAttempt.create({ data: { username, address, succeeded: false, at: now } });
    return id;
  });
}

type Attempts = Pick<Database, "loginAttempt">;

/** Times of the failures since the last success within the window, newest first. */
async function failuresSince(db: Attempts, who: { username: string } | { address: string }, since: Date): Promise<number[]> {
  const rows = await db.loginAttempt.findMany({
    where: { ...who, at: { gt: since } },
    orderBy: { at: "desc" },
    take: 100,
    select: { at: true, succeeded: true },
  });
  const lastSuccess = rows.findIndex((row) => row.succeeded);
  // A success clears the count of the name only: someone with an account must not get free guesses at the others' from one address.
  const counted = "username" in who && lastSuccess >= 0 ? rows.slice(0, lastSuccess) : rows.filter((row) => !row.succeeded);
  return counted.map((row) => row.at.getTime());
}

function blockedUntil(failures: readonly number[], allowed: number): number {
  const decisive = failures[allowed - 1];
  return decisive === undefined ? 0 : decisive + loginLimits.windowMs;
}

function tooManyAttempts(retryAfterSeconds: number): DomainError {
  const minutes = Math.ceil(retryAfterSeconds / 60);
  const wait = minutes <= 1 ? "a minute" : `${minutes} minutes`;
  return new DomainError("too-many-attempts", `Too many failed attempts. Wait ${wait} and try again.`, { retryAfterSeconds });
}

/** The person behind a session, or null when it ended: disabled, or every session of theirs was ended. */
export async function findSessionUser(db: Database, userId: string, sessionEpoch: number): Promise<User | null> {
  const user = await translateDatabaseErrors(() => db.user.findUnique({ where: { id: userId } }));
  return user && !user.disabledAt && user.sessionEpoch === sessionEpoch ? user : null;
}

const lastUsedResolutionMs = 60_000;

/** The actor of an API token, or null when it is unknown, expired or revoked, or its maker is disabled. */
export async function findTokenActor(db: Database, token: string, now: Date): Promise<Actor | null> {
  if (!token.startsWith("swy_") || token.length > 200) return null;
  const row = await translateDatabaseErrors(() =>
    db.apiToken.findUnique({ where: { tokenHash: tokenHash(token) }, include: { createdBy: true } }),
  );
  if (!row || row.revokedAt || row.expiresAt <= now || row.createdBy?.disabledAt) return null;
  if (!row.lastUsedAt || now.getTime() - row.lastUsedAt.getTime() >= lastUsedResolutionMs) {
    await translateDatabaseErrors(() => db.apiToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: now } }));
  }
  return { kind: "token", id: row.id, name: row.name, role: row.role };
}
