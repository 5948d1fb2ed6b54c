import { spawnSync } from "node:child_process";
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

  it("answers /health, /ready and /metrics on a port of their own, and ends with 0 on SIGTERM", async () => {
    expect(await (await fetch(`${issuer.healthUrl}/health`)).json()).toMatchObject({ status: "healthy", version: "1.0.0" });
    expect(await (await fetch(`${issuer.healthUrl}/ready`)).json()).toEqual({ status: "ready", checks: { keys: "ok" } });
    expect(await (await fetch(`${issuer.healthUrl}/metrics`)).text()).toContain('issuer_tokens_total{result="issued"} 0');
    for (const path of ["health", "ready", "metrics"]) expect((await fetch(`${issuer.url}/${path}`)).status).toBe(404);
    expect((await fetch(`${issuer.healthUrl}/token`, { method: "POST" })).status).toBe(404);
    expect(await issuer.process.end("SIGTERM")).toBe(0);
  });

  it("has a health subcommand that says whether it answers", async () => {
    const run = () => {
      const HEALTH_ADDRESS = new URL(issuer.healthUrl).host;
      const env = { ...process.env, HEALTH_ADDRESS, ISSUER_CLIENT_SECRET: issuer.clientSecret };
      return spawnSync(process.execPath, ["services/issuer/main.ts", "health"], { env, encoding: "utf8" });
    };
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^200 /) });
    await issuer.process.end("SIGKILL");
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringMatching(/^no answer from /) });
  });

  it("has the ids of a request in its line of the log, and answers with that of the request", async () => {
    await issuer.process.end("SIGTERM");
    issuer = await startIssuer({ LOG_LEVEL: "debug" });
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
    const secret = issuer.clientSecret;
    const { headers } = await fetch(`${issuer.url}/token`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, traceparent, "x-request-id": "probe-7" },
      body: JSON.stringify(request),
    });
    expect(headers.get("x-request-id")).toBe("probe-7");
    const lines = issuer.process.output().split("\n");
    const line = lines.find((text) => text.includes('"answered"') && text.includes("/token")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({ trace_id: trace, request_id: "probe-7", status: 200 });
    expect(issuer.process.output()).not.toContain(secret);
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
    expect((await fetch(`${issuer.healthUrl}/health`)).status).toBe(200);
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
    const metrics = await (await fetch(`${issuer.healthUrl}/metrics`)).text();
    for (const [result, count] of Object.entries({ issued: 1, refused: 1, invalid: 4 })) {
      expect(metrics).toContain(`issuer_tokens_total{result="${result}"} ${count}`);
    }
    expect(metrics).toContain("issuer_keys 1");
    expect((await fetch(`${issuer.url}/token`)).status).toBe(405);
    expect((await fetch(`${issuer.url}/other`)).status).toBe(404);
    expect((await fetch(`${issuer.url}//`)).status).toBe(400);
  });
});
