import { hostname } from "node:os";
import { z } from "zod";
import { type Configuration, isUsableTls, pemFile } from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";

const schema = z
  .object({
    BIND_ADDRESS: envValue.address().default({ host: "0.0.0.0", port: 8080 }),
    POD_IP: envValue.text().optional(),
    LOCAL_ADDRESS: envValue.text().optional(),
    RELAY_URL: envValue.url("ws", "wss").default("ws://relay:80"),
    ISSUER_URL: envValue.url("http", "https").default("http://issuer:8000"),
    ISSUER_CLIENT_SECRET: envValue.text(),
    HUB_ADDRESS: envValue.address().optional(),
    HUB_AUTH_TOKEN: envValue.text().optional(),
    HUB_CA_FILE: pemFile().optional(),
    HUB_CLIENT_CERT_FILE: pemFile().optional(),
    HUB_CLIENT_KEY_FILE: pemFile().optional(),
    PROBER_CERTIFICATE_CHECK_MS: envValue.integer(10, 3_600_000).default(10_000),
    HUB_ADMIN_URL: envValue.url("https").optional(),
    HUB_ADMIN_TOKEN: envValue.text().optional(),
    PROBER_SENSOR_SOCKET: z.string().max(100, "wants a path of at most 100 characters").optional(),
    PROBER_HUB_SCAN_RATE_HZ: envValue.integer(1, 100).default(1),
    PROBER_HUB_MESSAGE_RATE_HZ: envValue.integer(1, 1000).default(2),
    TENANT_ID: envValue.text().default("default"),
    INSTANCE_ID: envValue.text().default(hostname()),
    PROBER_RATE_HZ: envValue.integer(1, 1000).default(10),
    PROBER_RATE_FILE: envValue.text().optional(),
    PROBER_RECONNECT_SECONDS: envValue.integer(1, 86_400).default(20),
    PROBER_CLIENTS: envValue
      .integer(2, 1000)
      .refine((count) => count % 2 === 0, "wants an even number, for clients work in pairs")
      .default(6),
    SERVICE_VERSION: envValue.text().default("0.0.0"),
    LOG_LEVEL: envValue.logLevel().default("info"),
  })
  .refine((env) => !env.HUB_ADDRESS || env.HUB_AUTH_TOKEN, {
    path: ["HUB_AUTH_TOKEN"],
    message: "wants the token of the hub, since HUB_ADDRESS is set",
  })
  .refine((env) => !env.HUB_ADMIN_URL || env.HUB_ADMIN_TOKEN, {
    path: ["HUB_ADMIN_TOKEN"],
    message: "wants the token of the hub's admin API, since HUB_ADMIN_URL is set",
  })
  .refine((env) => !env.HUB_CLIENT_CERT_FILE === !env.HUB_CLIENT_KEY_FILE, {
    path: ["HUB_CLIENT_CERT_FILE"],
    message: "wants HUB_CLIENT_KEY_FILE set too, or neither",
  })
  .refine(({ HUB_CLIENT_CERT_FILE: cert, HUB_CLIENT_KEY_FILE: key }) => !cert || !key || isUsableTls({ cert, key }), {
    path: ["HUB_CLIENT_CERT_FILE"],
    message: "wants the certificate of HUB_CLIENT_KEY_FILE",
  })
  .refine((env) => isUsableTls({ ca: env.HUB_CA_FILE }), {
    path: ["HUB_CA_FILE"],
    message: "wants certificates in its PEM file",
  });

export type ProberEnv = z.output<typeof schema>;

export const proberConfiguration = {
  schema,
  secrets: ["ISSUER_CLIENT_SECRET", "HUB_AUTH_TOKEN", "HUB_ADMIN_TOKEN"],
} satisfies Configuration<typeof schema>;
