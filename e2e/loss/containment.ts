import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/**
 * Runs a program so that nothing of it is left behind, however it ends: it is the first process of a PID namespace, with which the
 * kernel ends all others, and its folder for temporary files is removed. SIGINT, SIGTERM and SIGHUP end it at once; also when this
 * process is killed the namespace goes. Where no namespace is to be had, the process group is ended instead. Gives the exit code.
 */
export async function runContained(program: string, args: string[]): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "loss-"));
  // A scratch PostgreSQL runs as another user.
  chmodSync(scratch, 0o711);
  const wrapper = namespaceCommand();
  const command = [...wrapper, process.execPath, "--disable-warning=ExperimentalWarning", program, ...args];
  const child = spawn(command[0] ?? "", command.slice(1), {
    stdio: "inherit",
    env: { ...process.env, TMPDIR: scratch },
    detached: wrapper.length === 0,
  });
  let interrupted: (typeof signals)[number] | undefined;
  const end = wrapper.length > 0 ? () => killFirstOfNamespace(child) : () => killGroup(child);
  const onSignal = (signal: (typeof signals)[number]) => {
    interrupted = signal;
    end();
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return interrupted ? 128 + constants.signals[interrupted] : (code ?? 1);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The command that makes a namespace, or none when this machine does not let us. */
export function namespaceCommand(): string[] {
  const root = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user"];
  const command = ["setpriv", "--pdeathsig", "KILL", ...namespace.toSpliced(1, 0, ...root)];
  if (spawnSync(command[0] ?? "", [...command.slice(1), "true"], { stdio: "ignore" }).status === 0) return command;
  process.stderr.write("no PID namespace here: the processes are ended by their group, unless this process is killed\n");
  return [];
}

/** The end of the first process of a namespace is complete only when all others are gone. */
function killFirstOfNamespace(child: ChildProcess): void {
  if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
  const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
  process.kill(Number(first) || child.pid, "SIGKILL");
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
