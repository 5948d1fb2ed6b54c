import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requestToken } from "#lib/protocol/relay-token-request.ts";
import { startIssuer, type TestIssuer } from "#lib/protocol/testing/relay-stack.ts";

let directory: string;
let issuer: TestIssuer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "issuer-"));
  issuer = await startIssuer({ ISSUER_DATA_DIR: directory, SERVICE_VERSION: "1.0.0" });
});

afterEach(async () => {
  await issuer.process.end("SIGKILL");
  await rm(directory, { recursive: true });
});

const request = { subject: "someone", documents: { "*": ["read" as const] } };

function post(body: string, secret = issuer.clientSecret): Promise<Response> {
  return fetch(`${issuer.url}/token`, { method: "POST", headers: { authorization: `Bearer ${secret}` }, body });
}

describe("the issuer", () => {
  it("issues tokens that its key set verifies, also after a restart with the same directory", async () => {
    const token = await requestToken({ issuerUrl: issuer.url, clientSecret: issuer.clientSecret, request });
    await issuer.process.end("SIGKILL");
    issuer = await startIssuer({ ISSUER_DATA_DIR: directory });
    const keys = createRemoteJWKSet(new URL(`${issuer.url}/.well-known/jwks.json`));
    expect((await jwtVerify(token, keys)).payload.sub).toBe("someone");
    expect((await stat(join(directory, "keys.json"))).mode & 0o777).toBe(0o600);
  });

  it("answers /health, /ready and /metrics, and ends with 0 on SIGTERM", async () => {
    expect(await (await fetch(`${issuer.url}/health`)).json()).toMatchObject({ status: "healthy", version: "1.0.0" });
    expect(await (await fetch(`${issuer.url}/ready`)).json()).toEqual({ status: "ready", checks: { keys: "ok" } });
    expect(await (await fetch(`${issuer.url}/metrics`)).text()).toContain('issuer_tokens_total{result="issued"} 0');
    expect(await issuer.process.end("SIGTERM")).toBe(0);
  });

  it("ends on SIGTERM also while clients have said nothing, or half of it", async () => {
    const { port } = new URL(issuer.url);
    const sockets = ["", "GET /health HTTP/1.1\r\nHost: ", "POST /token HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"].map((text) => {
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
      socket.on("error", () => {});
      return socket;
    });
    try {
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      expect(await issuer.process.end("SIGTERM")).toBe(0);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it("answers 503 for tokens and keys, but not for its health, while faults are injected", async () => {
    await issuer.process.end("SIGTERM");
    issuer = await startIssuer({ FAULT_ERROR_RATIO: "1" });
    expect((await post(JSON.stringify(request))).status).toBe(503);
    expect((await fetch(`${issuer.url}/.well-known/jwks.json`)).status).toBe(503);
    expect((await fetch(`${issuer.url}/health`)).status).toBe(200);
  });

  it("refuses a wrong secret, a request that does not fit, and one that is too large", async () => {
    expect((await post(JSON.stringify(request), randomBytes(16).toString("hex"))).status).toBe(401);
    for (const body of [
      "{",
      "{}",
      JSON.stringify({ ...request, ttlSeconds: 1e9 }),
      JSON.stringify({ ...request, admin: true }),
    ]) {
      expect((await post(body)).status).toBe(400);
    }
    expect((await post("x".repeat(20_000))).status).toBe(413);
    expect((await post(JSON.stringify(request))).status).toBe(200);
    const metrics = await (await fetch(`${issuer.url}/metrics`)).text();
    for (const [result, count] of Object.entries({ issued: 1, refused: 1, invalid: 4 })) {
      expect(metrics).toContain(`issuer_tokens_total{result="${result}"} ${count}`);
    }
    expect(metrics).toContain("issuer_keys 1");
    expect((await fetch(`${issuer.url}/token`)).status).toBe(405);
    expect((await fetch(`${issuer.url}/other`)).status).toBe(404);
    expect((await fetch(`${issuer.url}//`)).status).toBe(400);
  });
});
