import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

/** Where secrets are kept: resolves to the values of those of the named variables that it holds. Rejects when it cannot be asked. */
export type SecretsManager = (names: readonly string[]) => Promise<Record<string, string>>;

export type SecretsManagerSettings = { token?: string };

const timeoutMs = 10_000;
const valuesSchema = z.record(z.string(), z.unknown());
const vaultSchema = z.object({ data: z.object({ data: valuesSchema }) });

/** By the scheme of the URL in SECRETS_MANAGER. Another manager is one more entry here. */
const managers: Record<string, (url: URL, settings: SecretsManagerSettings) => SecretsManager> = {
  "directory:": ({ pathname }) => fromDirectory(decodeURIComponent(pathname)),
  "exec:": ({ pathname }) => fromCommand(decodeURIComponent(pathname)),
  "vault+http:": fromVault,
  "vault+https:": fromVault,
};

/**
 * The secrets manager of a URL:
 * - `directory:/run/secrets`: one file a secret, named like its variable;
 * - `exec:/usr/local/bin/fetch-secrets`: a command that is called with the names and prints a JSON object of their values;
 * - `vault+https://vault:8200/v1/secret/data/relay`: a secret of HashiCorp Vault's KV engine, version 2, with `settings.token`.
 * Throws an Error that says what is wanted when the URL is none of these.
 */
export function openSecretsManager(text: string, settings: SecretsManagerSettings = {}): SecretsManager {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const open = url && managers[url.protocol];
  if (!url || !open) throw new Error("wants directory:/path, exec:/path or vault+https://host/v1/MOUNT/data/PATH");
  if (url.username || url.password) throw new Error("wants a URL without user and password");
  return open(url, settings);
}

function fromDirectory(directory: string): SecretsManager {
  return async (names) => {
    const read = async (name: string) => {
      const text = await readFile(join(directory, name), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      return text === undefined ? [] : [[name, text.trimEnd()]];
    };
    return Object.fromEntries((await Promise.all(names.map(read))).flat());
  };
}

function fromCommand(command: string): SecretsManager {
  return async (names) => {
    const { stdout } = await promisify(execFile)(command, [...names], { timeout: timeoutMs, maxBuffer: 1024 * 1024 });
    return pick(names, parseAs(valuesSchema, stdout, `${command} did not print a JSON object`));
  };
}

function fromVault(url: URL, { token = "" }: SecretsManagerSettings): SecretsManager {
  const address = url.href.slice("vault+".length);
  return async (names) => {
    const answer = await fetch(address, { headers: { "x-vault-token": token }, signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new Error(`${url.host} answered ${answer.status}`);
    const secret = parseAs(vaultSchema, await answer.text(), `${url.host} did not answer as Vault's KV engine, version 2, does`);
    return pick(names, secret.data.data);
  };
}

/** The parser's own error would quote what it was given, which may be a secret. */
function parseAs<T>(schema: z.ZodType<T>, text: string, problem: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Error(problem);
  }
}

function pick(names: readonly string[], values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (typeof values[name] === "string" ? [[name, values[name]]] : [])));
}
