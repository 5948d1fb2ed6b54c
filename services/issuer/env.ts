import { z } from "zod";
import { readableFile, readSecretFiles } from "#lib/protocol/hub-daemon.ts";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";

export const issuerEnvSchema = z.object({
  BIND_ADDRESS: envValue.address().default({ host: "0.0.0.0", port: 8000 }),
  ISSUER_CLIENT_SECRET: z.string("wants at least 16 characters").min(16, "wants at least 16 characters"),
  ISSUER_CLIENT_SECRET_FILE: readableFile().optional(),
  ISSUER_ROTATE_SECONDS: envValue.integer(10, 31_536_000).default(86_400),
  ISSUER_DATA_DIR: envValue.text().optional(),
  SERVICE_VERSION: envValue.text().default("0.0.0"),
  LOG_LEVEL: envValue.logLevel().default("info"),
});

export function readIssuerEnv(source: Record<string, string | undefined> = process.env) {
  return parseEnvOrExit(issuerEnvSchema, readSecretFiles(source, ["ISSUER_CLIENT_SECRET"]));
}
