import { type Logger, pino, stdTimeFunctions } from "pino";
import { type LogFilter, levelFor } from "./log-filter.ts";

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
  // An error of ioredis holds the command that failed, AUTH with the password among them.
  "err.command.args",
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

/** Loggers by target (`relay::commit`), each with the level that the filter gives it. */
export function createLoggers(name: string, filter: LogFilter): (target: string) => Logger {
  const root = createLogger(name, levelFor(filter, name));
  return (target) => root.child({ target }, { level: levelFor(filter, target) });
}
