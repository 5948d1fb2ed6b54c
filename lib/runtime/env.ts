import { z } from "zod";

/** The exit code for a configuration that cannot be used: EX_CONFIG of sysexits.h. */
export const exitConfig = 78;

/** A configuration that cannot be used. The message has one line for every bad variable: its name, what it got, what it wants. */
export class EnvError extends Error {
  override readonly name = "EnvError";
}

/**
 * Parses environment variables by a zod object schema. An empty string counts as not set.
 * Throws EnvError that names every bad variable. A variable whose name speaks of a secret is never printed.
 */
export function parseEnv<S extends z.ZodType>(schema: S, source: Record<string, string | undefined>): z.output<S> {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.join(".") || "environment";
    return `${name}: ${shownValue(name, given[name])}; ${issue.message}`;
  });
  throw new EnvError(lines.join("\n"));
}

/** Parses as parseEnv does; on bad variables prints one line for each to standard error and ends the process with exit code 78. */
export function parseEnvOrExit<S extends z.ZodType>(
  schema: S,
  source: Record<string, string | undefined> = process.env,
): z.output<S> {
  try {
    return parseEnv(schema, source);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}

/** What a complaint says of a variable's value. It is not shown when its name speaks of a secret, or when it is a URL with a password. */
export function shownValue(name: string, value: string | undefined): string {
  if (value === undefined) return "it is not set";
  const isSecret = /SECRET|PASSWORD|TOKEN|KEYS?$|DATABASE_URL|REDIS_URL/.test(name) && !name.endsWith("_FILE");
  return isSecret || /:\/\/[^/]*@/.test(value) ? "got a value (not shown)" : `got ${JSON.stringify(value)}`;
}

const booleanWords: Record<string, boolean> = {
  true: true,
  "1": true,
  yes: true,
  on: true,
  false: false,
  "0": false,
  no: false,
  off: false,
};

/** The kinds of values that environment variables have, each with a message that says what is wanted. */
export const envValue = {
  text: () => z.string("wants some text"),
  port: () => wholeNumber(0, 65535, "wants a port number from 0 to 65535"),
  integer: (min: number, max: number) => wholeNumber(min, max, `wants a whole number from ${min} to ${max}`),
  ratio: () =>
    z.string("wants a number from 0 to 1").transform((text, context) => {
      const value = Number(text);
      if (text.trim() !== "" && value >= 0 && value <= 1) return value;
      context.addIssue({ code: "custom", message: "wants a number from 0 to 1" });
      return z.NEVER;
    }),
  boolean: () =>
    z.string("wants true or false").transform((text, context) => {
      const value = booleanWords[text.toLowerCase()];
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: "wants true or false" });
      return z.NEVER;
    }),
  url: (...protocols: string[]) =>
    z
      .string(`wants a URL that starts with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`)
      .refine(
        (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)),
        `wants a URL that starts with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`,
      ),
  /** `host:port`, the host possibly an IPv6 address in brackets. */
  address: () =>
    z.string("wants host:port").transform((text, context) => {
      const address = parseAddress(text);
      if (address) return address;
      context.addIssue({ code: "custom", message: "wants host:port" });
      return z.NEVER;
    }),
  /** One or several `host:port`, comma separated. */
  addresses: () =>
    z.string("wants host:port, or several separated by commas").transform((text, context) => {
      const addresses = text.split(",").map((part) => parseAddress(part.trim()));
      const found = addresses.filter((address) => address !== undefined);
      if (found.length === addresses.length) return found;
      context.addIssue({ code: "custom", message: "wants host:port, or several separated by commas" });
      return z.NEVER;
    }),
  logLevel: () =>
    z.enum(
      ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
      "wants one of trace, debug, info, warn, error, fatal, silent",
    ),
};

function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match?.[1] && port <= 65535 ? { host: match[1].replace(/^\[|\]$/g, ""), port } : undefined;
}

function wholeNumber(min: number, max: number, wanted: string) {
  return z.string(wanted).transform((text, context) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: wanted });
    return z.NEVER;
  });
}
