import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { TokenVerifier } from "./auth.ts";

const minuteMs = 60_000;
const issuedAt = Date.parse("2026-01-02T03:04:05Z");
const logger = createLogger("relay", "silent");

let server: Server;
let published: JWK[];
let fetches: number;
let isAway: boolean;
/** The relay's clock. */
let now: number;
let verifier: TokenVerifier;

beforeEach(async () => {
  [published, fetches, isAway, now] = [[], 0, false, issuedAt];
  server = createServer((_request, response) => {
    fetches += 1;
    response.statusCode = isAway ? 503 : 200;
    response.end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  verifier = new TokenVerifier({ url, cacheTtlSeconds: 300, logger, now: () => now });
});

afterEach(async () => {
  await verifier.stop();
  server.closeAllConnections();
  server.close();
});

async function publish(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  published.push({ ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" });
  return (claims: { exp: number; nbf?: number }) =>
    new SignJWT({ documents: { "*": ["read"] }, sub: "someone", iat: issuedAt / 1000, ...claims })
      .setProtectedHeader({ alg: "ES256", kid })
      .sign(privateKey);
}

async function begin() {
  const sign = await publish("first");
  verifier.start();
  await eventually(() => verifier.hasKeys);
  return sign;
}

const seconds = (ms: number) => Math.floor(ms / 1000);
const verdict = (token: string) =>
  verifier.verify(token).then(
    ({ sub }) => sub,
    (error: Error) => error.message,
  );

describe("a token", () => {
  it.each([
    ["as the issuer's", 0, "someone"],
    ["10 minutes ahead", 10 * minuteMs, "the token has expired"],
    ["10 minutes behind", -10 * minuteMs, "someone"],
  ])("of 5 minutes, without nbf, where the clock is %s", async (_, offsetMs, wanted) => {
    const sign = await begin();
    now = issuedAt + offsetMs;
    expect(await verdict(await sign({ exp: seconds(issuedAt + 5 * minuteMs) }))).toBe(wanted);
  });

  it("ends at its second, without leeway, also when it was checked before", async () => {
    const sign = await begin();
    const token = await sign({ exp: seconds(issuedAt + 5 * minuteMs) });
    for (const checkedBefore of [false, true]) {
      now = issuedAt + 5 * minuteMs - 1;
      if (checkedBefore) expect(await verdict(token)).toBe("someone");
      now = issuedAt + 5 * minuteMs;
      expect(await verdict(token)).toBe("the token has expired");
    }
  });

  it.each([
    [30, "someone"],
    [31, "the token is not valid"],
    [600, "the token is not valid"],
  ])("is good from up to 30 s before its nbf on, for clocks differ: %i s before", async (early, wanted) => {
    const sign = await begin();
    const token = await sign({ exp: seconds(issuedAt) + 3600, nbf: seconds(issuedAt) });
    now = issuedAt - early * 1000;
    expect(await verdict(token)).toBe(wanted);
  });
});

describe("the keys", () => {
  it("are fetched again for a token of a new one", async () => {
    await begin();
    const token = await (await publish("second"))({ exp: seconds(issuedAt) + 3600 });
    await eventually(async () => (await verdict(token)) === "someone");
  });

  it("that are known stay good while their endpoint is away, and an unknown one is refused", async () => {
    const sign = await begin();
    isAway = true;
    const unknown = await (await publish("second"))({ exp: seconds(issuedAt) + 3600 });
    now += 60 * minuteMs;
    expect(await verdict(await sign({ exp: seconds(now) + 3600 }))).toBe("someone");
    expect(await verdict(unknown)).not.toBe("someone");
  });

  it("are asked for once for a token that comes again within PERMISSION_CACHE_TTL, and permissions are read anew after it", async () => {
    const sign = await begin();
    const token = await sign({ exp: seconds(issuedAt) + 3600 });
    const first = await verifier.verify(token);
    now += 300_000 - 1;
    expect(await verifier.verify(token)).toBe(first);
    now += 1;
    expect(await verifier.verify(token)).not.toBe(first);
  });

  it("were never there: what cannot be judged is refused with 503", async () => {
    isAway = true;
    verifier.start();
    await eventually(() => fetches > 0);
    const sign = await publish("first");
    await expect(verifier.verify(await sign({ exp: seconds(issuedAt) + 3600 }))).rejects.toMatchObject({ status: 503 });
  });
});
