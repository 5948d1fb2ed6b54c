import { expect, it } from "vitest";
import { readConfiguration } from "#lib/runtime/configuration.ts";
import { proberConfiguration } from "./env.ts";

const read = (variables: Record<string, string>) => readConfiguration(proberConfiguration, { variables });
const required = { ISSUER_CLIENT_SECRET: "secret" };

it("probes the relay at 10 Hz with six clients, which reconnect every 20 s, unless it is told otherwise", async () => {
  const { settings } = await read(required);
  expect(settings).toMatchObject({
    PROBER_RATE_HZ: 10,
    PROBER_CLIENTS: 6,
    PROBER_RECONNECT_SECONDS: 20,
    RELAY_URL: "ws://relay:80",
    ISSUER_URL: "http://issuer:8000",
    BIND_ADDRESS: { host: "0.0.0.0", port: 8080 },
    SERVICE_VERSION: "0.0.0",
    LOG_LEVEL: "info",
    PROBER_HUB_SCAN_RATE_HZ: 1,
    PROBER_HUB_MESSAGE_RATE_HZ: 2,
    PROBER_CERTIFICATE_CHECK_MS: 10_000,
  });
  expect(settings.HUB_ADDRESS).toBeUndefined();
});

it.each([
  [{}, "ISSUER_CLIENT_SECRET"],
  [{ ...required, PROBER_CLIENTS: "5" }, "PROBER_CLIENTS"],
  [{ ...required, PROBER_RATE_HZ: "0" }, "PROBER_RATE_HZ"],
  [{ ...required, HUB_ADDRESS: "hub:8443" }, "HUB_AUTH_TOKEN"],
  [{ ...required, HUB_ADMIN_URL: "https://hub:8081" }, "HUB_ADMIN_TOKEN"],
  [{ ...required, HUB_ADMIN_URL: "http://hub:8081", HUB_ADMIN_TOKEN: "token" }, "HUB_ADMIN_URL"],
  [{ ...required, PROBER_HUB_SCAN_RATE_HZ: "101" }, "PROBER_HUB_SCAN_RATE_HZ"],
  [{ ...required, PROBER_HUB_MESSAGE_RATE_HZ: "0" }, "PROBER_HUB_MESSAGE_RATE_HZ"],
  [{ ...required, PROBER_CERTIFICATE_CHECK_MS: "1" }, "PROBER_CERTIFICATE_CHECK_MS"],
  [{ ...required, PROBER_SENSOR_SOCKET: `/${"x".repeat(100)}` }, "PROBER_SENSOR_SOCKET"],
  [{ ...required, HUB_CLIENT_CERT_FILE: "/nowhere/peer.pem" }, "HUB_CLIENT_CERT_FILE"],
  [{ ...required, RELAY_URL: "http://relay" }, "RELAY_URL"],
])("names what is missing or wrong: %j", async (variables, name) => {
  await expect(read(variables)).rejects.toThrow(new RegExp(`^${name}: `));
});
