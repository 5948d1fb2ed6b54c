import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** Runs a command to its end, its output appended to a file; resolves to its exit code (-1 when it could not be started). */
export function runToEnd(
  words: string[],
  options: { logFile: string; env?: NodeJS.ProcessEnv; cwd?: string; signal?: AbortSignal },
): Promise<number> {
  const [command = "", ...args] = words;
  const log = openSync(options.logFile, "a", 0o600);
  return new Promise((resolve) => {
    const { env, cwd, signal } = options;
    const child = spawn(command, args, { env: env ?? process.env, cwd, signal, stdio: ["ignore", log, log] });
    closeSync(log);
    child.once("error", () => resolve(-1));
    child.once("exit", (code) => resolve(code ?? -1));
  });
}
