/** For tests only: work that is killed at any instant. */

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { resolve } from "node:path";

/**
 * Runs code in a process of its own and kills it some time after it has begun, which it says by a line. It has `options`, and
 * `pieces()` of the file that they name. Says whether it had ended by itself.
 */
export async function killSoon(code: string, options: object, withinMs: number): Promise<boolean> {
  const program = `
    import { readFileSync } from "node:fs";
    const options = ${JSON.stringify(options)};
    async function* pieces() { const dump = readFileSync(options.file); for (let at = 0; at < dump.length; at += 10_000) yield dump.subarray(at, at + 10_000); }
    ${code}`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program], {
    cwd: resolve(import.meta.dirname),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await once(child.stdout, "data");
  const timer = setTimeout(() => child.kill("SIGKILL"), randomInt(withinMs));
  const [exitCode] = await exited;
  clearTimeout(timer);
  return exitCode === 0;
}
