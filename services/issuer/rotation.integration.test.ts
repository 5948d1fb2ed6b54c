import { createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, beforeEach, expect, it } from "vitest";
import { maxTokenSeconds, requestToken } from "#lib/protocol/relay-token-request.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { KeyRing } from "./key-ring.ts";
import { IssuerMetrics } from "./metrics.ts";
import { IssuerServer } from "./server.ts";

const clientSecret = "a-secret-of-the-test";
const rotateSeconds = 600;
let now: number;
let keys: KeyRing;
let server: IssuerServer;
let url: string;
let fetches: number;

beforeEach(async () => {
  now = Date.parse("2026-01-02T03:04:05Z");
  fetches = 0;
  const logger = createLogger("issuer", "silent");
  keys = new KeyRing({ rotateSeconds, logger, now: () => now });
  server = new IssuerServer({
    keys,
    metrics: new IssuerMetrics(() => keys.count),
    clientSecret,
    faults: createFaults({ latencyMs: 0, errorRatio: 0 }),
    logger,
  });
  await keys.start();
  const { port } = await server.listen("127.0.0.1", 0);
  url = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  await server.stop();
  await keys.stop();
});

async function pass(seconds: number): Promise<void> {
  now += seconds * 1000;
  await keys.rotate();
}

const take = (ttlSeconds = maxTokenSeconds) =>
  requestToken({ issuerUrl: url, clientSecret, request: { subject: "someone", documents: { "*": ["read"] }, ttlSeconds } });
const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const published = async () => {
  const set = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return set.keys.map(({ kid }) => kid);
};

/** Someone who checks tokens with the set that was fetched once, as a relay between two refreshes. */
function createVerifier() {
  const count: typeof fetch = (...request) => {
    fetches += 1;
    return fetch(...request);
  };
  const set = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [customFetch]: count,
  });
  return async (token: string) => (await jwtVerify(token, set, { currentDate: new Date(now) })).payload.sub;
}

it("tokens of both keys are valid across a rotation, for one who fetched the set before the new key signed", async () => {
  const old = await take();
  await pass(rotateSeconds);
  const verify = createVerifier();
  expect(await verify(old)).toBe("someone");
  const between = await take();
  expect(kidOf(between)).toBe(kidOf(old));
  expect(await published()).toHaveLength(2);

  await pass(60);
  const next = await take();
  expect(kidOf(next)).not.toBe(kidOf(old));
  for (const token of [old, between, next]) expect(await verify(token)).toBe("someone");
  expect(fetches).toBe(1);
});

it("the last token of an old key is valid to its last second, and the key goes when it has expired", async () => {
  await pass(rotateSeconds);
  await pass(59);
  const last = await take();
  const oldKey = kidOf(last);
  for (let waited = 0; waited < maxTokenSeconds - 1; waited += 300) await pass(Math.min(300, maxTokenSeconds - 1 - waited));
  expect(await published()).toContain(oldKey);
  expect(await createVerifier()(last)).toBe("someone");
  await pass(2);
  expect(await published()).not.toContain(oldKey);
  await expect(createVerifier()(last)).rejects.toThrow();
});
