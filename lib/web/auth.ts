import type { AuthOptions } from "next-auth";
import CredentialsProvider from "next-auth/providers/credentials";
import { DomainError } from "#lib/domain/errors.ts";
import { logIn } from "#lib/domain/users/login.ts";
import { getRuntime } from "./runtime.ts";

const sessionHours = 12;

/**
 * Sessions are signed cookies that name the person and the epoch they were begun in; whether they still hold is asked of the
 * database at every request. A refusal that is more than "wrong name or password" reaches the login page as its sentence.
 */
export function authOptions(): AuthOptions {
  const { db, clock, env, logger } = getRuntime();
  return {
    secret: env.NEXTAUTH_SECRET,
    session: { strategy: "jwt", maxAge: sessionHours * 3600, updateAge: 3600 },
    pages: { signIn: "/login", error: "/login" },
    providers: [
      CredentialsProvider({
        name: "Switchyard",
        credentials: { username: {}, password: {} },
        async authorize(credentials, request) {
          if (!credentials?.username || !credentials.password) return null;
          const address = readAddress(request.headers ?? {});
          try {
            const user = await logIn(db, { ...credentials, address }, clock());
            logger.info({ username: credentials.username.slice(0, 63), address, succeeded: user !== null }, "login");
            return user && { id: user.id, name: user.name, sessionEpoch: user.sessionEpoch };
          } catch (error) {
            if (error instanceof DomainError) throw new Error(error.message);
            logger.error({ err: error }, "login failed");
            throw new Error("Switchyard could not check the password; try again in a moment.");
          }
        },
      }),
    ],
    callbacks: {
      jwt({ token, user }) {
        if (user) {
          token.userId = user.id;
          token.sessionEpoch = "sessionEpoch" in user ? user.sessionEpoch : undefined;
        }
        return token;
      },
      session({ session, token }) {
        return { expires: session.expires, userId: token.userId, sessionEpoch: token.sessionEpoch } as typeof session;
      },
    },
    logger: {
      error: (code, metadata) => {
        if (code !== "JWT_SESSION_ERROR") logger.error({ code, metadata: String(metadata) }, "next-auth");
      },
      warn: (code) => logger.debug({ code }, "next-auth"),
      debug: () => {},
    },
  };
}

/** The caller's address: the last one that a proxy, or Next itself, has added. */
function readAddress(headers: Record<string, unknown>): string {
  const forwarded = headers["x-forwarded-for"];
  const last = typeof forwarded === "string" ? forwarded.split(",").at(-1)?.trim() : undefined;
  return (last || "unknown").slice(0, 100);
}
