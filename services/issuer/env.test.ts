import { expect, it } from "vitest";
import { readConfiguration } from "#lib/runtime/configuration.ts";
import { issuerConfiguration } from "./env.ts";

const read = (variables: Record<string, string>) => readConfiguration(issuerConfiguration, { variables });
const secret = "sixteen-letters-";

it("listens on 8000, tells of itself on 8080, and rotates once a day unless it is told otherwise", async () => {
  const { settings } = await read({ ISSUER_CLIENT_SECRET: secret });
  expect(settings).toEqual({
    BIND_ADDRESS: { host: "0.0.0.0", port: 8000 },
    HEALTH_ADDRESS: { host: "0.0.0.0", port: 8080 },
    ISSUER_CLIENT_SECRET: secret,
    ISSUER_ROTATE_SECONDS: 86_400,
    SERVICE_VERSION: "0.0.0",
    LOG_LEVEL: "info",
    FAULT_LATENCY_MS: 0,
    FAULT_ERROR_RATIO: 0,
  });
});

it.each([
  [{}, "ISSUER_CLIENT_SECRET"],
  [{ ISSUER_CLIENT_SECRET: secret.slice(1) }, "ISSUER_CLIENT_SECRET"],
  [{ ISSUER_CLIENT_SECRET: secret, ISSUER_ROTATE_SECONDS: "9" }, "ISSUER_ROTATE_SECONDS"],
  [{ ISSUER_CLIENT_SECRET: secret, LOG_LEVEL: "loud" }, "LOG_LEVEL"],
])("names what is missing or wrong: %j", async (variables, name) => {
  await expect(read(variables)).rejects.toThrow(new RegExp(`^${name}: `));
});
