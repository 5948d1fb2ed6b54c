import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { signalGroup } from "./supervisor.ts";

/**
 * Runs a command to its end, its output appended to a file; resolves to its exit code (-1 when it could not be started or was
 * ended). It has a process group of its own: the signal ends what it started, too.
 */
export function runToEnd(
  words: string[],
  options: { logFile: string; env?: NodeJS.ProcessEnv; cwd?: string; signal: AbortSignal },
): Promise<number> {
  const [command = "", ...args] = words;
  const { env, cwd, signal } = options;
  const log = openSync(options.logFile, "a", 0o600);
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: env ?? process.env, cwd, detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    const end = () => signalGroup(child.pid, "SIGTERM");
    signal.addEventListener("abort", end, { once: true });
    child.once("error", () => resolve(-1));
    child.once("exit", (code) => {
      signal.removeEventListener("abort", end);
      resolve(code ?? -1);
    });
  });
}
