import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify, type RemoteJWKSet } from "jose";
import { bearerProtocolPrefix } from "#lib/protocol/relay-messages.ts";
import { type RelayClaims, relayClaimsSchema, tokenAlgorithm } from "#lib/protocol/relay-token.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";

const maxTokenBytes = 6144;
const maxCachedTokens = 10_000;
/** How far the issuer's clock may be ahead when a token says from when on it is good. Its end has no such grace. */
const notBeforeLeewaySeconds = 30;

/** The token is not good (401), or cannot be judged because the keys are away (503). */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly status: 401 | 503;

  constructor(status: 401 | 503, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * Checks tokens against a JWKS that is fetched at start, once a minute, and when a token names an unknown key. Keys that were
 * fetched stay good while their endpoint is away.
 */
export class TokenVerifier {
  readonly #keys: RemoteJWKSet;
  readonly #refresh: Loop;
  readonly #cacheTtlMs: number;
  readonly #now: () => number;
  readonly #cache = new Map<string, { claims: RelayClaims; until: number }>();

  constructor(options: { url: string; cacheTtlSeconds: number; logger: Logger; now?: () => number }) {
    this.#keys = createRemoteJWKSet(new URL(options.url), {
      timeoutDuration: 3000,
      cooldownDuration: 2000,
      cacheMaxAge: Number.POSITIVE_INFINITY,
    });
    this.#cacheTtlMs = options.cacheTtlSeconds * 1000;
    this.#now = options.now ?? Date.now;
    let refreshedAt = Number.NEGATIVE_INFINITY;
    this.#refresh = new Loop({
      name: "jwks",
      intervalMs: 1000,
      logger: options.logger,
      pass: async () => {
        if (this.hasKeys && performance.now() - refreshedAt < 60_000) return;
        refreshedAt = performance.now();
        await this.#keys.reload();
      },
    });
  }

  get hasKeys(): boolean {
    return (this.#keys.jwks()?.keys.length ?? 0) > 0;
  }

  start(): void {
    this.#refresh.start();
  }

  stop(): Promise<void> {
    return this.#refresh.stop();
  }

  /** The claims of a token. One that was checked less than the cache's time ago is not checked again. Throws TokenRefused. */
  async verify(token: string): Promise<RelayClaims> {
    if (token.length > maxTokenBytes) throw new TokenRefused(401, "the token is too long");
    const key = createHash("sha256").update(token).digest("base64");
    const now = this.#now();
    const cached = this.#cache.get(key);
    if (cached && cached.until > now) return cached.claims;
    this.#cache.delete(key);
    const claims = await this.#check(token);
    if (this.#cache.size >= maxCachedTokens) this.#cache.clear();
    this.#cache.set(key, { claims, until: Math.min(now + this.#cacheTtlMs, claims.exp * 1000) });
    return claims;
  }

  async #check(token: string): Promise<RelayClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: [tokenAlgorithm],
        requiredClaims: ["sub", "exp"],
        currentDate: new Date(this.#now()),
        clockTolerance: notBeforeLeewaySeconds,
      });
      const claims = relayClaimsSchema.safeParse(payload);
      if (!claims.success) throw new TokenRefused(401, "the token has no document permissions");
      if (claims.data.exp * 1000 <= this.#now()) throw new TokenRefused(401, "the token has expired");
      return claims.data;
    } catch (error) {
      if (error instanceof TokenRefused) throw error;
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && this.hasKeys) {
        throw new TokenRefused(401, error instanceof errors.JWTExpired ? "the token has expired" : "the token is not valid");
      }
      throw new TokenRefused(503, "the keys to check tokens with are not available", { cause: error });
    }
  }
}

/** The token of an upgrade request: from the Authorization header, or from a browser's `bearer.` subprotocol. */
export function bearerToken(request: IncomingMessage): string | undefined {
  const header = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (header) return header;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
  return offered.find((protocol) => protocol.startsWith(bearerProtocolPrefix))?.slice(bearerProtocolPrefix.length);
}
