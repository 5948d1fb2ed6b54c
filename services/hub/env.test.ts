import { describe, expect, test } from "vitest";
import { readHubConfiguration } from "./env.ts";

const enough = { HUB_AUTH_TOKEN: "12345678", HUB_SELF_SIGNED: "true" };
const read = (variables: Record<string, string>) => readHubConfiguration({ variables: { ...enough, ...variables } });

describe("the hub's settings", () => {
  test("have the guide's ports and connections, and neither admin API, upstream nor faults unless they are asked for", async () => {
    expect(await read({})).toMatchObject({
      bind: { host: "0.0.0.0", port: 8443 },
      health: { host: "0.0.0.0", port: 8080 },
      admin: undefined,
      upstream: undefined,
      faults: { latencyMs: 0, errorRatio: 0 },
      drainTimeoutMs: 30_000,
      leaseMs: 45_000,
      limits: { maxConnections: 1_000, handshakeTimeoutMs: 5_000, heartbeatIntervalMs: 5_000 },
    });
  });

  test("want a token for what is opened or dialled, and never show one", async () => {
    await expect(read({ HUB_ADMIN_ADDRESS: "127.0.0.1:8081" })).rejects.toThrow(
      /^HUB_ADMIN_TOKEN: it is not set; wants the token/,
    );
    await expect(read({ HUB_UPSTREAM_ADDRESS: "cloud:8443" })).rejects.toThrow(/^HUB_UPSTREAM_AUTH_TOKEN: it is not set; wants/);
    const short = read({ HUB_ADMIN_ADDRESS: "127.0.0.1:8081", HUB_ADMIN_TOKEN: "geheim" });
    await expect(short).rejects.toThrow("wants at least 16 characters");
    await expect(short).rejects.not.toThrow("geheim");
  });

  test("name each that is wrong", async () => {
    const wrong = {
      FAULT_ERROR_RATIO: "2",
      FAULT_LATENCY_MS: "x",
      HUB_ADMIN_ADDRESS: "8081",
      HUB_CREDIT_READINGS: "0",
      HUB_CREDIT_BYTES: "1",
      HUB_READINGS_KEPT: "-1",
      HUB_UPSTREAM_ADDRESS: "cloud",
      HUB_UPSTREAM_CA_FILE: "/nowhere",
      HUB_UPSTREAM_CLIENT_CERT_FILE: "/nowhere",
      HUB_UPSTREAM_CLIENT_KEY_FILE: "/nowhere",
      HUB_UPSTREAM_TIMEOUT_MS: "1",
      HUB_MAX_CONNECTIONS: "0",
      HUB_LEASE_MS: "1",
      REDIS_URL: "http://redis",
    };
    const tokens = { HUB_ADMIN_TOKEN: "1234567890123456", HUB_UPSTREAM_AUTH_TOKEN: "12345678" };
    const lines = await read({ ...tokens, ...wrong }).catch((error: Error) => error.message.split("\n"));
    expect(lines).toHaveLength(Object.keys(wrong).length);
    for (const name of Object.keys(wrong)) expect(lines).toContainEqual(expect.stringMatching(`^${name}: got .*; wants `));
  });
});
