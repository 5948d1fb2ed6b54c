import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import { parse } from "smol-toml";
import { z } from "zod";
import { EnvError, exitConfig, parseEnv, shownValue } from "./env.ts";
import { parseLogFilter } from "./log-filter.ts";
import type { Logger } from "./logger.ts";
import { openSecretsManager } from "./secrets.ts";

/** Environment variables, possibly absent. */
export type Variables = Record<string, string | undefined>;

/** What a process was given. */
export type Given = { variables: Variables; args?: string[] };

/** What a daemon can be told, and from where. */
export type Configuration<S extends z.ZodObject> = {
  /** By variable, e.g. { HUB_ADDRESS: envValue.address() }. */
  schema: S;
  /** The variables that may also come from the file that NAME_FILE names, or from the secrets manager. */
  secrets?: readonly string[];
  /** The TOML file that is read when CONFIG_PATH is not set; only this one may be missing. */
  defaultPath?: string;
  /** Variables by the keys of the file ("matrix.host") that are not called like them. */
  fileKeys?: Record<string, string>;
};

/** The settings, and the keys of the file that mean nothing here. */
export type Configured<T> = { settings: T; unknownKeys: string[] };

/**
 * Reads a daemon's settings. In order of precedence: variables, the files of NAME_FILE, the secrets manager of SECRETS_MANAGER
 * (see openSecretsManager; VAULT_TOKEN or VAULT_TOKEN_FILE is its token), the TOML file of `--config` or CONFIG_PATH. A key
 * `offline_buffer_size` in the file's section `edge` sets EDGE_OFFLINE_BUFFER_SIZE, one outside of sections OFFLINE_BUFFER_SIZE.
 * Rejects with EnvError, a line for each bad setting under the name of its variable.
 */
export async function readConfiguration<S extends z.ZodObject>(
  configuration: Configuration<S>,
  { variables, args = [] }: Given,
): Promise<Configured<z.output<S>>> {
  const { schema, secrets = [] } = configuration;
  const complaints: string[] = [];
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ""));
  const file = readFile(configuration, configPath(args) ?? set.CONFIG_PATH, complaints);
  const given: Variables = { ...file.values, ...set };
  const unset = [...secrets, "VAULT_TOKEN"].filter((name) => !set[name]);
  const excused = readSecretFiles(given, unset, complaints);
  const missing = secrets.filter((name) => !set[name] && !given[fileOf(name)]);
  if (given.SECRETS_MANAGER && missing.length > 0) {
    await openAndAsk(given.SECRETS_MANAGER, given.VAULT_TOKEN, missing)
      .then((found) => Object.assign(given, found))
      .catch((error: unknown) => complaints.push(complain("SECRETS_MANAGER", given, `cannot be asked (${describe(error)})`)));
  }
  try {
    const settings = parseEnv(schema, given);
    if (complaints.length === 0) return { settings, unknownKeys: file.unknownKeys };
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    complaints.push(...error.message.split("\n").filter((line) => !excused.has(line.slice(0, line.indexOf(":")))));
  }
  throw new EnvError(complaints.join("\n"));
}

/** What this process was given. Read again it gives what files and secrets manager say by then. */
export function givenToProcess(): Given {
  return { variables: process.env, args: process.argv.slice(2) };
}

/** Reads the configuration of this process; on EnvError prints its lines to standard error and ends the process with exit code 78. */
export async function configureOrExit<T>(read: (given: Given) => Promise<T>): Promise<T> {
  try {
    return await read(givenToProcess());
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}

function configPath(args: string[]): string | undefined {
  const { values } = parseArgs({ args, options: { config: { type: "string" } }, allowPositionals: true, strict: false });
  return typeof values.config === "string" ? values.config : undefined;
}

function readFile(
  { schema, secrets = [], defaultPath, fileKeys = {} }: Configuration<z.ZodObject>,
  wanted: string | undefined,
  complaints: string[],
) {
  const values: Record<string, string> = {};
  const unknownKeys: string[] = [];
  const path = wanted ?? defaultPath;
  const known = new Set([...Object.keys(schema.shape), "SECRETS_MANAGER", ...[...secrets, "VAULT_TOKEN"].map(fileOf)]);
  if (!path) return { values, unknownKeys };
  try {
    for (const [key, value] of flatten(parse(readFileSync(path, "utf8")))) {
      const name = fileKeys[key] ?? key.replaceAll(".", "_").toUpperCase();
      if (known.has(name)) values[name] = value;
      else unknownKeys.push(key);
    }
  } catch (error) {
    const isOptional = wanted === undefined && (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!isOptional) complaints.push(complain("CONFIG_PATH", { CONFIG_PATH: path }, `wants a TOML file (${describe(error)})`));
  }
  return { values, unknownKeys };
}

/** The file's settings by dotted key, as text; lists are joined by commas. */
function flatten(table: Record<string, unknown>, prefix = ""): [string, string][] {
  return Object.entries(table).flatMap(([key, value]): [string, string][] => {
    const isTable = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (isTable) return flatten(value as Record<string, unknown>, `${prefix}${key}.`);
    return [[`${prefix}${key}`, Array.isArray(value) ? value.join(",") : String(value)]];
  });
}

/** The variable that names the file of a secret. */
function fileOf(secret: string): string {
  return `${secret}_FILE`;
}

/** Fills in what NAME_FILE names; returns the names whose file cannot be read, which are complained of already. */
function readSecretFiles(given: Variables, names: string[], complaints: string[]): Set<string> {
  const unreadable = new Set<string>();
  for (const name of names) {
    const path = given[fileOf(name)];
    if (!path) continue;
    try {
      given[name] = readFileSync(path, "utf8").trimEnd();
    } catch (error) {
      unreadable.add(name);
      complaints.push(complain(fileOf(name), given, `wants a file that can be read (${describe(error)})`));
    }
  }
  return unreadable;
}

async function openAndAsk(url: string, token: string | undefined, names: string[]): Promise<Record<string, string>> {
  return openSecretsManager(url, { token })(names);
}

function complain(name: string, given: Variables, wanted: string): string {
  return `${name}: ${shownValue(name, given[name])}; ${wanted}`;
}

/** A PEM file, read as its text. */
export function pemFile() {
  const wanted = "wants a PEM file";
  return z.string(wanted).transform((path, context) => {
    try {
      const text = readFileSync(path, "utf8");
      if (text.includes("-----BEGIN ")) return text;
      context.addIssue({ code: "custom", message: `${wanted} (it holds no PEM block)` });
    } catch (error) {
      context.addIssue({ code: "custom", message: `${wanted} (${describe(error)})` });
    }
    return z.NEVER;
  });
}

/** Whether certificate, key and authority, PEM texts, can be used for TLS and are of a pair; absent ones always are. */
export function isUsableTls({ cert, key, ca }: { cert?: string | undefined; key?: string | undefined; ca?: string | undefined }) {
  try {
    createSecureContext({ cert, key, ca });
    return true;
  } catch {
    return false;
  }
}

/** A filter of the log in the words of RUST_LOG, such as `info` or `warn,scanner=debug`. */
export function logFilter() {
  return z.string("wants levels such as info,relay=debug").transform((text, context) => {
    try {
      return parseLogFilter(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: `wants levels such as info,relay=debug; ${describe(error)}` });
      return z.NEVER;
    }
  });
}

/** Says what was given and changes nothing: the guides' variables of the Rust runtime, and unknown keys of the file. */
export function reportUnused(unknownKeys: string[], logger: Logger): void {
  for (const name of ["TOKIO_WORKER_THREADS", "RUST_BACKTRACE"]) {
    if (process.env[name]) logger.info({ variable: name }, "this variable is accepted and has no effect here");
  }
  if (unknownKeys.length > 0) logger.warn({ unknownKeys }, "the configuration file has settings that are not known here");
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
