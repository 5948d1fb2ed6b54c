import { z } from "zod";
import type { Configuration } from "#lib/runtime/configuration.ts";
import { envValue } from "#lib/runtime/env.ts";
import { faultSettings } from "#lib/runtime/faults.ts";

const schema = z.object({
  BIND_ADDRESS: envValue.address().default({ host: "0.0.0.0", port: 8000 }),
  HEALTH_ADDRESS: envValue.address().default({ host: "0.0.0.0", port: 8080 }),
  ISSUER_CLIENT_SECRET: z.string("wants at least 16 characters").min(16, "wants at least 16 characters"),
  ISSUER_ROTATE_SECONDS: envValue.integer(10, 31_536_000).default(86_400),
  ISSUER_DATA_DIR: envValue.text().optional(),
  SERVICE_VERSION: envValue.text().default("0.0.0"),
  LOG_LEVEL: envValue.logLevel().default("info"),
  ...faultSettings,
});

export const issuerConfiguration = { schema, secrets: ["ISSUER_CLIENT_SECRET"] } satisfies Configuration<typeof schema>;
