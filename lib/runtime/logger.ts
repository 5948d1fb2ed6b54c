import { type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger };

const secretPaths = [
  "authorization",
  "password",
  "passwordHash",
  "secret",
  "token",
  "*.authorization",
  "*.password",
  "*.passwordHash",
  "*.secret",
  "*.token",
  "req.headers.authorization",
  "req.headers.cookie",
];

/**
 * A logger that writes one JSON object a line to standard output, with `name`, an ISO 8601 UTC `time` and secrets redacted.
 * `level` is one of pino's: trace, debug, info, warn, error, fatal, silent.
 */
export function createLogger(name: string, level = "info"): Logger {
  return pino({
    name,
    level,
    base: { name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretPaths, censor: "[redacted]" },
  });
}
