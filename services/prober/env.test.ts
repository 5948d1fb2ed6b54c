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
  });
  expect(settings.HUB_ADDRESS).toBeUndefined();
});

it.each([
  [{}, "ISSUER_CLIENT_SECRET"],
  [{ ...required, PROBER_CLIENTS: "5" }, "PROBER_CLIENTS"],
  [{ ...required, PROBER_RATE_HZ: "0" }, "PROBER_RATE_HZ"],
  [{ ...required, HUB_ADDRESS: "hub:8443" }, "HUB_AUTH_TOKEN"],
  [{ ...required, RELAY_URL: "http://relay" }, "RELAY_URL"],
])("names what is missing or wrong: %j", async (variables, name) => {
  await expect(read(variables)).rejects.toThrow(new RegExp(`^${name}: `));
});
