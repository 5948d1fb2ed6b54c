import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { maxTokenSeconds } from "#lib/protocol/relay-token-request.ts";
import { createKey, planRotation, publicKeySet, type SigningKey, signingKey, signToken } from "./keys.ts";

const day = 86_400_000;
const fake = (kid: string, createdAt: number): SigningKey => ({
  kid,
  createdAt,
  jwk: { kty: "EC", crv: "P-256", x: "", y: "", d: "" },
});

describe("rotation", () => {
  it("makes the first key at once and the next one when the interval is over", () => {
    expect(planRotation([], day, 0)).toEqual({ needsNew: true, keep: [] });
    const first = fake("a", 0);
    expect(planRotation([first], day, day - 1).needsNew).toBe(false);
    expect(planRotation([first], day, day).needsNew).toBe(true);
  });

  it("publishes a key a minute before it signs", () => {
    const keys = [fake("a", 0), fake("b", day)];
    expect(signingKey(keys, day, day + 59_999)?.kid).toBe("a");
    expect(signingKey(keys, day, day + 60_000)?.kid).toBe("b");
    expect(signingKey([fake("a", 0)], day, 0)?.kid).toBe("a");
  });

  it("serves an old key until the last token that it can have signed has expired", () => {
    const keys = [fake("a", 0), fake("b", day)];
    const end = day + 60_000 + maxTokenSeconds * 1000;
    expect(planRotation(keys, day, end - 1).keep.map(({ kid }) => kid)).toEqual(["a", "b"]);
    expect(planRotation(keys, day, end).keep.map(({ kid }) => kid)).toEqual(["b"]);
  });

  it("publishes no private part, and signs tokens that the published set verifies", async () => {
    const now = Date.now();
    const key = await createKey(now);
    const set = publicKeySet([key]);
    expect(set.keys[0]).not.toHaveProperty("d");
    const request = { subject: "someone", documents: { "*": ["read" as const] }, ttlSeconds: 60 };
    const { token } = await signToken(key, request, now);
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(set), { algorithms: ["ES256"] });
    expect(protectedHeader.kid).toBe(key.kid);
    expect(payload).toMatchObject({ sub: "someone", documents: { "*": ["read"] } });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
  });
});
