import { createHash, randomBytes } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { Prisma } from "#lib/database/generated/client.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import { type CreatedToken, createTokenSchema, type Role, roleIncludes, type TokenView } from "./schemas.ts";

const dayMs = 86_400_000;
const prefixLength = 12;
const withMaker = { createdBy: { select: { username: true } } } as const;
type TokenRow = Prisma.ApiTokenGetPayload<{ include: typeof withMaker }>;

/** SHA-256 of a whole token. It is random enough that a slow hash adds nothing. */
export function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Makes an API token with a role up to the maker's own. The answer holds its text, which is never to be had again. */
export async function createToken(context: Context, input: unknown): Promise<CreatedToken> {
  const { name, role, expiresInDays } = parseInput(createTokenSchema, input);
  authorise(context, role, `make a token with the role ${role}`);
  const { actor, clock } = context;
  if (actor.kind !== "user") throw new DomainError("not-permitted", "A token cannot make tokens; log in as a person.");
  const secret = `swy_${randomBytes(32).toString("base64url")}`;
  const row = await transact(context, async (transaction) => {
    const created = await transaction.apiToken.create({
      data: {
        name,
        role,
        tokenHash: tokenHash(secret),
        prefix: secret.slice(0, prefixLength),
        createdById: actor.id,
        createdAt: clock(),
        expiresAt: new Date(clock().getTime() + expiresInDays * dayMs),
      },
      include: withMaker,
    });
    await writeAudit(transaction, context, {
      verb: "create",
      targetKind: "token",
      targetName: name,
      after: { role, expiresAt: created.expiresAt.toISOString(), prefix: created.prefix },
      outcome: "succeeded",
    });
    return created;
  });
  return { token: viewToken(row), secret };
}

/** Ends a token at once. People may end their own; administrators may end any. */
export async function revokeToken(context: Context, id: string): Promise<TokenView> {
  authorise(context, "viewer", "revoke tokens");
  const row = await transact(context, async (transaction) => {
    const known = await transaction.apiToken.findUnique({ where: { id: parseId(id, "token") } });
    if (!known || !maySee(context, known.createdById)) throw new DomainError("not-found", "There is no token with this id.");
    const revoked = await transaction.apiToken.update({
      where: { id },
      data: { revokedAt: known.revokedAt ?? context.clock() },
      include: withMaker,
    });
    if (!known.revokedAt) {
      await writeAudit(transaction, context, {
        verb: "revoke",
        targetKind: "token",
        targetName: known.name,
        before: { role: known.role, prefix: known.prefix },
        outcome: "succeeded",
      });
    }
    return revoked;
  });
  return viewToken(row);
}

/** The tokens that the actor may see, newest first: administrators all, others their own. */
export async function listTokens(context: Context): Promise<TokenView[]> {
  authorise(context, "viewer", "see tokens");
  const where = roleIncludes(context.actor.role, "admin") ? {} : { createdById: ownId(context) };
  const rows = await translateDatabaseErrors(() =>
    context.db.apiToken.findMany({ where, orderBy: { createdAt: "desc" }, take: 500, include: withMaker }),
  );
  return rows.map(viewToken);
}

/**
 * Sets a token of Switchyard's own from a given secret, e.g. for Prometheus' discovery; it has no maker and lives ten years.
 * A changed secret replaces the old one.
 */
export async function ensureSystemToken(db: Database, input: { name: string; role: Role; secret: string }): Promise<void> {
  const { name, role, secret } = input;
  if (!secret.startsWith("swy_") || secret.length < 36)
    throw new Error("a system token begins with swy_ and has at least 36 characters");
  const hash = tokenHash(secret);
  const data = {
    name,
    role,
    prefix: secret.slice(0, prefixLength),
    expiresAt: new Date(Date.now() + 3650 * dayMs),
    revokedAt: null,
  };
  await transact({ db }, async (transaction) => {
    await transaction.apiToken.updateMany({
      where: { name, createdById: null, revokedAt: null, tokenHash: { not: hash } },
      data: { revokedAt: new Date() },
    });
    await transaction.apiToken.upsert({ where: { tokenHash: hash }, create: { ...data, tokenHash: hash }, update: data });
  });
}

function ownId({ actor }: Context): string | null {
  // A token that has no maker must not see all others without one: an id that no row has.
  return actor.kind === "user" ? actor.id : "00000000-0000-0000-0000-000000000000";
}

function maySee(context: Context, createdById: string | null): boolean {
  return roleIncludes(context.actor.role, "admin") || (createdById !== null && createdById === ownId(context));
}

function viewToken(row: TokenRow): TokenView {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    createdBy: row.createdBy?.username ?? null,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
