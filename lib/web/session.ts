import { randomUUID } from "node:crypto";
import { redirect } from "next/navigation";
import { getServerSession } from "next-auth/next";
import { z } from "zod";
import type { Actor, ConsoleContext } from "#lib/domain/context.ts";
import { DomainError } from "#lib/domain/errors.ts";
import { findSessionUser, findTokenActor } from "#lib/domain/users/login.ts";
import { authOptions } from "./auth.ts";
import { getRuntime } from "./runtime.ts";

const sessionSchema = z.object({ userId: z.uuid(), sessionEpoch: z.int() });

/** The person behind the request's session cookie, or null. */
export async function findSessionActor(): Promise<Actor | null> {
  const session = sessionSchema.safeParse(await getServerSession(authOptions()));
  if (!session.success) return null;
  const user = await findSessionUser(getRuntime().db, session.data.userId, session.data.sessionEpoch);
  return user && { kind: "user", id: user.id, name: user.username, role: user.role };
}

/** Who sends the request: an API token where there is one, else the session; throws not-authenticated. */
export async function getActor(request: Request): Promise<Actor> {
  const token = readBearer(request);
  const { db, clock } = getRuntime();
  const actor = token === null ? await findSessionActor() : await findTokenActor(db, token, clock());
  if (actor) return actor;
  const message = token === null ? "Log in first." : "This token is not known, has expired or was revoked.";
  throw new DomainError("not-authenticated", message);
}

/** The token of an Authorization header, or null when there is none. */
export function readBearer(request: Request): string | null {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

/** The context for one request of the actor. */
export function makeContext(actor: Actor, requestId: string): ConsoleContext {
  const { env: _, logger, ...runtime } = getRuntime();
  return { ...runtime, actor, logger: logger.child({ requestId }), requestId };
}

/** The context of a page; sends people without a session to the login, and back to `path` afterwards. */
export async function getPageContext(path: string): Promise<ConsoleContext> {
  const actor = await findSessionActor();
  if (!actor) redirect(`/login?callbackUrl=${encodeURIComponent(path)}`);
  return makeContext(actor, randomUUID());
}
